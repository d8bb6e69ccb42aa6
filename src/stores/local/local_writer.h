// Bodies on their way into files.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "store/store.h"
#include "stores/local/arrival.h"

namespace haul::local {

// What the caller of a write promises and asks for beyond the bytes; all checks that need no file.
// Throws invalid_argument or unsupported.
void check_writable(const Place& place, std::string_view key, const store::WriteOptions& options);

// One object from one body.
Task<store::Written> write_body(std::shared_ptr<Place> place, std::string key, Body& body,
                                store::WriteOptions options, OpContext& context);

// One object in parts, written in place into a temporary file.
class LocalUpload final : public store::Upload {
 public:
  // Throws exhausted if there is no room for options.size bytes. Blocks: for the pool.
  LocalUpload(std::shared_ptr<Place> place, const std::string& key, const store::WriteOptions& options,
              std::uint64_t chance);
  Task<Checksum> write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                            OpContext& context) override;
  ChecksumAlgorithm checksum_algorithm() const override { return ChecksumAlgorithm::crc64nvme; }
  Task<bool> takes_pieces(bool, OpContext&) override { co_return true; }
  Task<store::Written> complete(const Checksum& whole, OpContext& context) override;
  Task<> abort(OpContext& context) override;

 private:
  struct Part {
    std::uint64_t offset, size;
    Checksum sum;
  };
  Error failure(ErrorClass error_class, std::string message) const;
  Task<Checksum> write_part_once(std::uint64_t offset, Body& part, bool again, OpContext& context);
  std::uint64_t verify(const Checksum& whole);

  std::shared_ptr<Place> place_;
  store::WriteOptions options_;
  store::Properties properties_;  // what options_.properties pointed to may be gone by the end
  Arrival arrival_;
  std::map<std::uint32_t, Part> parts_;
  bool ended_ = false;
};

}  // namespace haul::local
