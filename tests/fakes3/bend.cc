#include "bend.h"

#include <algorithm>
#include <string>

#include "text.h"

namespace haul::fakes3 {

namespace {

// Another value of the same length, so that it looks right until it is compared.
std::string spoiled(std::string_view value) {
  std::string out(value);
  if (!out.empty()) out.front() = out.front() == 'A' ? 'B' : 'A';
  return out;
}

void spoil_checksums(const Fault& fault, Response& response) {
  bool found = false;
  std::string lines;
  std::string_view rest = response.headers;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    std::size_t colon = line.find(": ");
    bool checksum = line.starts_with("x-amz-checksum-") && !line.starts_with("x-amz-checksum-type");
    if (checksum && colon != std::string_view::npos) {
      found = true;
      std::string value = fault.value.empty() ? spoiled(line.substr(colon + 2)) : fault.value;
      lines.append(line.substr(0, colon + 2)).append(value).append("\r\n");
    } else {
      lines.append(line).append("\r\n");
    }
  }
  response.headers = std::move(lines);
  for (std::string_view name :
       {"<ChecksumCRC64NVME>", "<ChecksumCRC32C>", "<ChecksumCRC32>", "<ChecksumSHA256>"}) {
    std::size_t at = response.text.find(name);
    if (at == std::string::npos) continue;
    found = true;
    char& first = response.text[at + name.size()];
    first = first == 'A' ? 'B' : 'A';
  }
  if (!found) response.header("x-amz-checksum-crc64nvme", fault.value.empty() ? "AAAAAAAAAAA=" : fault.value);
}

void answer_error(const Fault& fault, const Request& request, std::int64_t now, Response& response) {
  Refusal refusal{fault.status, fault.code, fault.message};
  for (const auto& [name, value] : fault.headers)
    refusal.headers += name + ": " + value + "\r\n";
  if (fault.kind == FaultKind::skewed) {
    refusal.elements = "<ServerTime>" + iso_date(now + fault.seconds) + "</ServerTime>";
  }
  if (fault.kind == FaultKind::redirect) {
    refusal.elements = "<Bucket>" + request.bucket + "</Bucket><Region>" + fault.region + "</Region>";
    refusal.headers += "x-amz-bucket-region: " + fault.region + "\r\n";
  }
  refuse(response, refusal, request);
  if (fault.kind == FaultKind::skewed) response.date = http_date(now + fault.seconds);
}

}  // namespace

bool performs(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::error:
    case FaultKind::error_in_200:
    case FaultKind::close:
    case FaultKind::skewed:
    case FaultKind::redirect: return fault.apply;
    default: return true;
  }
}

Delivery bend(const Fault& fault, const Request& request, std::int64_t now, Response& response) {
  Delivery delivery;
  std::uint64_t length = response.text.empty() ? response.length : response.text.size();
  switch (fault.kind) {
    case FaultKind::error:
    case FaultKind::error_in_200:
    case FaultKind::skewed:
    case FaultKind::redirect: answer_error(fault, request, now, response); break;
    case FaultKind::close: delivery.unanswered = true; break;
    case FaultKind::reset:
      delivery.stop_after = std::min(fault.bytes, length);
      delivery.hard = true;
      break;
    case FaultKind::short_body:
      delivery.stop_after = length - std::min(length, std::max<std::uint64_t>(fault.bytes, 1));
      break;
    case FaultKind::corrupt:
      if (!response.content.empty()) {
        response.content = corrupted(response.content, std::min(fault.at, response.length - 1));
      } else if (!response.text.empty()) {
        char& victim = response.text[std::min<std::size_t>(fault.at, response.text.size() - 1)];
        victim = static_cast<char>(~victim);
      }
      break;
    case FaultKind::checksum: spoil_checksums(fault, response); break;
    case FaultKind::stall:
      if (fault.bytes != 0) {
        delivery.stall_after = fault.bytes;
        delivery.stall_us = fault.milliseconds * 1000;
      }
      break;
    case FaultKind::cut_xml: response.text.resize(response.text.size() / 2); break;
    case FaultKind::repeat_key:
    case FaultKind::endless_token: break;
  }
  return delivery;
}

}  // namespace haul::fakes3
