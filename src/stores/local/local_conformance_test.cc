// The contract of stores, on trees of files.
#include "stores/local/file_key.h"
#include "stores/local/local_store.h"
#include "support/conformance.h"
#include "support/temporary_directory.h"

namespace haul::testing_support {
namespace {

// The store and the directory that goes with it.
struct LocalWithDirectory {
  LocalWithDirectory(local::LocalOptions options, bool missing_root)
      : store((options.root = (directory / (missing_root ? "made/on/demand" : "")).string(),
               std::move(options))) {}
  TemporaryDirectory directory;
  local::LocalStore store;
};

StoreUnderTest local_under_test(std::string name, local::LocalOptions options) {
  StoreUnderTest under_test;
  under_test.name = std::move(name);
  under_test.make = [options] {
    const bool missing_root = options.missing_root == local::MissingRoot::create_on_write;
    auto both = std::make_shared<LocalWithDirectory>(options, missing_root);
    return StoreInstance{std::shared_ptr<store::Store>(both, &both->store), ""};
  };
  under_test.holds = [](std::string_view key) { return local::why_not_a_file(key).empty(); };
  return under_test;
}

local::LocalOptions by_component() {
  local::LocalOptions options;
  options.resolution = local::Resolution::by_component;
  options.durability = local::Durability::file_and_directory;
  return options;
}

local::LocalOptions following() {
  local::LocalOptions options;
  options.symlinks = local::SymlinkMode::follow;
  options.missing_root = local::MissingRoot::create_on_write;
  return options;
}

local::LocalOptions preserving() {
  local::LocalOptions options;
  options.symlinks = local::SymlinkMode::preserve;
  options.restore_links = local::LinkRestore::inside_root;
  options.prune_empty_directories = true;
  return options;
}

local::LocalOptions helped() {
  local::LocalOptions options;
  options.help = local::Help::always;
  return options;
}

INSTANTIATE_TEST_SUITE_P(Local, Conformance,
                         testing::Values(local_under_test("plain", {}), local_under_test("helped", helped()),
                                         local_under_test("by_component", by_component()),
                                         local_under_test("following", following()),
                                         local_under_test("preserving", preserving())),
                         conformance_name);

}  // namespace
}  // namespace haul::testing_support
