// What a local store costs per small file: listing, reading, writing, removing.
//
//   bench_local_store DIRECTORY [files] [bytes per file] [in flight]
//   bench_local_store list DIRECTORY [memory for names in bytes]
//
// The first makes a tree below DIRECTORY, works on it and removes it. Costs are processor time (user +
// system) of the whole process per file, and beside them what the bare system calls cost in one loop of one
// thread.
#include "stores/local/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/shard.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

struct Cost {
  double processor, user, wall;  // microseconds
};

class Meter {
 public:
  Cost per(std::size_t count) const {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    const rusage now = usage();
    const double user = seconds(now.ru_utime) - seconds(start_.ru_utime);
    const double system = seconds(now.ru_stime) - seconds(start_.ru_stime);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
    const double scale = 1e6 / static_cast<double>(count);
    return {(user + system) * scale, user * scale, wall * scale};
  }

 private:
  static rusage usage() {
    rusage now{};
    ::getrusage(RUSAGE_SELF, &now);
    return now;
  }
  rusage start_ = usage();
  std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
};

void report(const char* what, const Cost& cost) {
  std::printf("%-28s %8.2f us CPU per file (%.2f user), %8.2f us wall\n", what, cost.processor, cost.user,
              cost.wall);
}

std::string key_of(std::size_t i) {
  return "d" + std::to_string(i / 10'000) + "/" + std::to_string(i / 100 % 100) + "/file-" +
         std::to_string(i) + ".dat";
}

struct Work {
  local::LocalStore& store;
  std::size_t files;
  std::string content;
  std::size_t next = 0;
};

Task<> write_files(Work& work, OpContext& context) {
  while (work.next < work.files) {
    MemoryBody body(as_bytes(work.content));
    std::string key = key_of(work.next++);
    co_await work.store.write(std::move(key), body, {}, context);
  }
}

Task<> read_files(Work& work, OpContext& context) {
  std::vector<std::byte> buffer(work.content.size() + 1);
  while (work.next < work.files) {
    std::string key = key_of(work.next++);
    const auto reader = co_await work.store.read(std::move(key), {}, context);
    co_await reader->read_some(buffer, context);
  }
}

Task<> in_parallel(Work& work, Task<> (*each)(Work&, OpContext&), unsigned in_flight, OpContext& context) {
  work.next = 0;
  TaskGroup group(context.executor());
  for (unsigned i = 0; i < in_flight; ++i)
    group.spawn(each(work, context));
  co_await group.join();
}

Task<std::size_t> list_files(local::LocalStore& store, OpContext& context) {
  std::size_t count = 0;
  const auto lister = store.list({});
  for (bool last = false; !last;) {
    const store::ListPage page = co_await lister->next(context);
    count += page.entries.size();
    last = page.last;
  }
  co_return count;
}

Task<> remove_files(local::LocalStore& store, std::size_t files, OpContext& context) {
  for (std::size_t at = 0; at < files; at += 1000) {
    std::vector<std::string> keys;
    for (std::size_t i = at; i < std::min(files, at + 1000); ++i)
      keys.push_back(key_of(i));
    std::vector<store::RemoveItem> items;
    for (const auto& key : keys)
      items.push_back({key, {}});
    co_await store.remove(items, context);
  }
}

// readdir and fstatat, and nothing else: what the kernel takes.
std::size_t bare_list(int parent, const char* name) {
  std::size_t count = 0;
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY);
  DIR* directory = ::fdopendir(fd);
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    struct stat status;
    if (entry->d_type == DT_DIR)
      count += bare_list(fd, entry->d_name);
    else if (::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
      ++count;
  }
  ::closedir(directory);
  return count;
}

void bare_read(int root, std::size_t files) {
  std::vector<char> buffer(1 << 16);
  for (std::size_t i = 0; i < files; ++i) {
    const int fd = ::openat(root, key_of(i).c_str(), O_RDONLY);
    struct stat status;
    ::fstat(fd, &status);
    [[maybe_unused]] const ssize_t count = ::pread(fd, buffer.data(), buffer.size(), 0);
    ::close(fd);
  }
}

void bare_write(int root, std::size_t files, const std::string& content) {
  for (std::size_t i = 0; i < files; ++i) {
    const std::string name = key_of(i), temporary = name + ".tmp";
    const int fd = ::openat(root, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    [[maybe_unused]] const ssize_t count = ::pwrite(fd, content.data(), content.size(), 0);
    ::close(fd);
    ::renameat(root, temporary.c_str(), root, name.c_str());
  }
}

void run(const std::string& root, std::size_t files, std::size_t bytes, unsigned in_flight) {
  local::LocalOptions options;
  options.root = root;
  options.missing_root = local::MissingRoot::create_on_write;
  options.prune_empty_directories = true;
  local::LocalStore store(options);
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 8});
  OpContext context = runtime.context();
  Work work{store, files, std::string(bytes, 'x')};
  const auto measured = [&](const char* what, auto action) {
    const Meter meter;
    action();
    report(what, meter.per(files));
  };
  measured("write", [&] { runtime.run(in_parallel(work, write_files, in_flight, context)); });
  measured("write over", [&] { runtime.run(in_parallel(work, write_files, in_flight, context)); });
  const int fd = ::open(root.c_str(), O_RDONLY | O_DIRECTORY);
  measured("write over, bare calls", [&] { bare_write(fd, files, work.content); });
  for (int round = 0; round < 2; ++round) {
    std::size_t listed = 0;
    measured("list", [&] { listed = runtime.run_for(list_files(store, context)); });
    measured("list, bare calls", [&] { listed -= bare_list(fd, "."); });
    if (listed != 0) std::printf("the listings differ by %zd\n", static_cast<ssize_t>(listed));
    measured("read", [&] { runtime.run(in_parallel(work, read_files, in_flight, context)); });
    measured("read, bare calls", [&] { bare_read(fd, files); });
  }
  measured("remove", [&] { runtime.run(remove_files(store, files, context)); });
  ::close(fd);
  ::rmdir(root.c_str());
}

void list_only(const std::string& root, std::uint64_t names_memory) {
  local::LocalOptions options;
  options.root = root;
  if (names_memory != 0) options.names_memory = names_memory;
  local::LocalStore store(options);
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 8});
  OpContext context = runtime.context();
  const Meter meter;
  const std::size_t count = runtime.run_for(list_files(store, context));
  report("list", meter.per(std::max<std::size_t>(count, 1)));
  rusage now{};
  ::getrusage(RUSAGE_SELF, &now);
  std::printf("%zu files, peak memory %ld MiB\n", count, now.ru_maxrss / 1024);
}

}  // namespace
}  // namespace haul

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [files] [bytes per file] [in flight]\n", argv[0]);
    return 2;
  }
  const auto number = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  if (std::string_view(argv[1]) == "list" && argc > 2)
    haul::list_only(argv[2], number(3, 0));
  else
    haul::run(argv[1], number(2, 50'000), number(3, 4096), static_cast<unsigned>(number(4, 64)));
}
