// An upload in parts, gathered in memory until it is completed.
#pragma once

#include <map>
#include <string>

#include "stores/memory/memory_state.h"

namespace haul::memory {

class MemoryUpload final : public store::Upload {
 public:
  MemoryUpload(MemoryStore& store, std::string key, const store::WriteOptions& options);
  Task<Checksum> write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                            OpContext& context) override;
  ChecksumAlgorithm checksum_algorithm() const override { return ChecksumAlgorithm::crc64nvme; }
  Task<store::Written> complete(const Checksum& whole, OpContext& context) override;
  Task<> abort(OpContext& context) override;

 private:
  struct Part {
    std::uint64_t offset;
    std::string content;
  };
  void end();

  MemoryStore& store_;
  std::string key_;
  store::WriteOptions options_;
  store::Properties properties_;  // what options_.properties pointed to may be gone by the end
  std::map<std::uint32_t, Part> parts_;
  bool ended_ = false;
};

}  // namespace haul::memory
