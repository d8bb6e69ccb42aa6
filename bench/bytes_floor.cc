// What moving the bytes of large objects costs at the very least on this machine: plain HTTP/1.1 by hand,
// between a server and files, with nothing of what haul does beside it (no signatures, checksums, retries,
// listing, accounts). The floor that scripts/bench sets haul's own figures against.
//
//   bytes_floor down HOST:PORT/BUCKET FOLDER COUNT SIZE [CA_FILE]
//     ranges of objects INDEX-SIZE into new files
//
//   bytes_floor up HOST:PORT/BUCKET FOLDER COUNT SIZE [CA_FILE]
//     files INDEX-SIZE as parts of multipart uploads
//
// A certificate authority means TLS. One thread, and one connection: what waits costs no processor time, so
// more of them would change the rate and not the figure that counts.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "floor_socket.h"

using haul::bench::connected_socket;
using haul::bench::require;

namespace {

constexpr std::uint64_t kPart = 8 << 20;
constexpr std::size_t kPiece = 256 << 10;  // stays in the second cache between socket and file

class Connection {
 public:
  Connection(const std::string& host, std::uint16_t port, const char* ca_file) {
    socket_ = connected_socket(host, port);
    if (ca_file == nullptr) return;
    context_ = SSL_CTX_new(TLS_client_method());
    require(SSL_CTX_load_verify_locations(context_, ca_file, nullptr) == 1, "CA_FILE");
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_read_ahead(context_, 1);
    SSL_CTX_set_default_read_buffer_len(context_, 64 << 10);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_);
    require(SSL_connect(ssl_) == 1, "TLS handshake");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(socket_);
  }

  void send(const char* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, bytes, static_cast<int>(size))
                                           : ::send(socket_, bytes, size, MSG_NOSIGNAL);
      require(sent > 0, "the server does not take what is sent");
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    }
  }

  std::size_t receive(char* into, std::size_t size) {
    const ssize_t got =
        ssl_ != nullptr ? SSL_read(ssl_, into, static_cast<int>(size)) : ::recv(socket_, into, size, 0);
    require(got > 0, "the server has closed the connection");
    return static_cast<std::size_t>(got);
  }

 private:
  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

class File {
 public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    require(descriptor_ >= 0, "a file cannot be opened");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

class Floor {
 public:
  Floor(const std::string& endpoint, std::string folder, std::uint64_t size, const char* ca_file)
      : host_(endpoint.substr(0, endpoint.find('/'))),
        bucket_(endpoint.substr(endpoint.find('/'))),
        folder_(std::move(folder)),
        size_(size),
        connection_(host_.substr(0, host_.find(':')),
                    static_cast<std::uint16_t>(std::stoi(host_.substr(host_.find(':') + 1))), ca_file),
        piece_(kPiece) {}

  void down(const std::string& name) {
    const File file(folder_ + "/" + name, O_WRONLY | O_CREAT | O_EXCL);
    for (std::uint64_t at = 0; at < size_; at += kPart) {
      const std::uint64_t end = std::min(size_, at + kPart);
      request("GET", name, "range: bytes=" + std::to_string(at) + "-" + std::to_string(end - 1) + "\r\n", 0);
      Answer answer = receive_head();
      require(answer.length == end - at, "another length than asked for");
      std::uint64_t offset = at;
      for (std::size_t ready = answer.ready; offset < end;) {
        if (ready == 0)
          ready = connection_.receive(piece_.data(), std::min<std::uint64_t>(kPiece, end - offset));
        require(::pwrite(file.get(), piece_.data(), ready, static_cast<off_t>(offset)) ==
                    static_cast<ssize_t>(ready),
                "pwrite");
        offset += ready;
        ready = 0;
      }
    }
  }

  void up(const std::string& name) {
    const File file(folder_ + "/" + name, O_RDONLY);
    request("POST", name + "?uploads", "", 0);
    const std::string answer = receive_document();
    const std::size_t begin = answer.find("<UploadId>") + 10;
    const std::string id = answer.substr(begin, answer.find('<', begin) - begin);
    std::string completion = "<CompleteMultipartUpload>";
    unsigned number = 0;
    for (std::uint64_t at = 0; at < size_; at += kPart) {
      const std::uint64_t end = std::min(size_, at + kPart);
      request("PUT", name + "?partNumber=" + std::to_string(++number) + "&uploadId=" + id, "", end - at);
      for (std::uint64_t offset = at; offset < end;) {
        const ssize_t got = ::pread(file.get(), piece_.data(), std::min<std::uint64_t>(kPiece, end - offset),
                                    static_cast<off_t>(offset));
        require(got > 0, "pread");
        connection_.send(piece_.data(), static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
      }
      receive_document();
      completion +=
          "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag_ + "</ETag></Part>";
    }
    completion += "</CompleteMultipartUpload>";
    request("POST", name + "?uploadId=" + id, "", completion.size());
    connection_.send(completion.data(), completion.size());
    receive_document();
  }

 private:
  struct Answer {
    std::uint64_t length;  // of the body
    std::size_t ready;     // bytes of it, which lie at the front of piece_
  };

  void request(std::string_view method, const std::string& target, const std::string& more,
               std::uint64_t length) {
    std::string head =
        std::string(method) + " " + bucket_ + "/" + target + " HTTP/1.1\r\nhost: " + host_ + "\r\n" + more;
    if (method != "GET") head += "content-length: " + std::to_string(length) + "\r\n";
    head += "\r\n";
    connection_.send(head.data(), head.size());
  }

  Answer receive_head() {
    std::size_t filled = 0, end = std::string_view::npos;
    while (end == std::string_view::npos) {
      filled += connection_.receive(piece_.data() + filled, std::size_t{16} << 10);
      end = std::string_view(piece_.data(), filled).find("\r\n\r\n");
    }
    std::string head(piece_.data(), end + 2);
    require(head.starts_with("HTTP/1.1 20"), head.c_str());
    for (char& c : head)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    std::uint64_t length = 0;
    if (const std::size_t at = head.find("content-length: "); at != std::string::npos)
      length = std::stoull(head.substr(at + 16));
    if (const std::size_t at = head.find("etag: "); at != std::string::npos)
      etag_ = head.substr(at + 6, head.find('\r', at) - at - 6);
    const std::size_t ready = filled - (end + 4);
    std::copy_n(piece_.data() + end + 4, ready, piece_.data());
    return {length, ready};
  }

  std::string receive_document() {
    Answer answer = receive_head();
    std::string body(piece_.data(), answer.ready);
    while (body.size() < answer.length)
      body.append(piece_.data(), connection_.receive(piece_.data(), answer.length - body.size()));
    return body;
  }

  const std::string host_, bucket_, folder_;
  const std::uint64_t size_;
  Connection connection_;
  std::vector<char> piece_;
  std::string etag_;
};

}  // namespace

int main(int count, char** values) try {
  const std::vector<std::string> words(values + 1, values + count);
  if (words.size() < 5)
    throw std::runtime_error("bytes_floor up|down HOST:PORT/BUCKET FOLDER COUNT SIZE [CA_FILE]");
  const std::uint64_t objects = std::stoull(words[3]), size = std::stoull(words[4]);
  Floor floor(words[1], words[2], size, words.size() > 5 ? words[5].c_str() : nullptr);
  for (std::uint64_t i = 0; i < objects; ++i) {
    const std::string digits = std::to_string(i);
    const std::string name = std::string(10 - digits.size(), '0') + digits + "-" + words[4];
    if (words[0] == "up")
      floor.up(name);
    else
      floor.down(name);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bytes_floor: %s\n", error.what());
  return 1;
}
