#include "receiver.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "text.h"

namespace haul::fakes3 {

namespace {

// more than the 10,000 parts of a Complete need
constexpr std::size_t kLargestDocument = 16 << 20;
constexpr std::uint64_t kBlock = 1 << 20;

}  // namespace

void Receiver::start(Server& server, const Request& request, Operation operation, Destination destination,
                     Body& body) {
  server_ = &server;
  body_ = &body;
  destination_ = destination;
  chunked_ = request.chunked;
  aws_chunked_ = request.aws_chunked;
  left_ = request.content_length;
  received_ = 0;
  complete_ = !chunked_ && left_ == 0;
  broken_ = overflowed_ = false;
  block_.reset();
  block_size_ = block_used_ = 0;
  http_.start();
  aws_.start();
  body.content.clear();
  body.size = 0;
  body.text.clear();
  body.trailers.clear();
  prepare_digests(server, request, operation, body);
  expected_ = chunked_ || aws_chunked_ ? 0 : left_;
  if (aws_chunked_) expected_ = parse_number(request.header("x-amz-decoded-content-length")).value_or(0);
}

bool Receiver::open_block(std::uint64_t size) {
  Server* server = server_;
  if (!server->reserve(size)) {
    overflowed_ = true;
    destination_ = Destination::drained;
    body_->content.clear();
    return false;
  }
  // not zeroed: it is written before it is read
  block_ = std::shared_ptr<char[]>(new char[size], [server, size](char* bytes) {
    delete[] bytes;
    server->release(size);
  });
  block_size_ = size;
  block_used_ = 0;
  return true;
}

void Receiver::close_block() {
  if (block_ && block_used_ != 0) body_->content.push_back({std::move(block_), 0, block_used_});
  block_.reset();
  block_size_ = block_used_ = 0;
}

std::span<char> Receiver::direct() {
  if (chunked_ || aws_chunked_ || destination_ != Destination::object || left_ == 0) return {};
  if (!block_ && !open_block(left_)) return {};
  return {block_.get() + block_used_, std::min<std::uint64_t>(block_size_ - block_used_, kBlock)};
}

void Receiver::commit(std::size_t size) {
  std::string_view bytes(block_.get() + block_used_, size);
  body_->digests.update(bytes);
  body_->size += size;
  received_ += size;
  block_used_ += size;
  left_ -= size;
  complete_ = left_ == 0;
}

void Receiver::store(std::string_view bytes) {
  while (!bytes.empty() && destination_ == Destination::object) {
    if (block_ && block_used_ == block_size_) close_block();
    // a length that was announced is believed once, and no further than a part may be large
    std::uint64_t rest =
        expected_ > body_->size ? std::min(expected_ - body_->size, std::uint64_t{5} << 30) : 0;
    if (!block_ && !open_block(std::max<std::uint64_t>(
                       rest, std::max<std::uint64_t>(bytes.size(), rest ? 0 : kBlock)))) {
      return;
    }
    std::size_t piece = std::min<std::uint64_t>(bytes.size(), block_size_ - block_used_);
    std::memcpy(block_.get() + block_used_, bytes.data(), piece);
    block_used_ += piece;
    bytes.remove_prefix(piece);
  }
}

void Receiver::decoded(std::string_view bytes) {
  body_->digests.update(bytes);
  if (destination_ == Destination::object) store(bytes);
  if (destination_ == Destination::document) {
    if (body_->text.size() + bytes.size() > kLargestDocument) {
      broken_ = true;
    } else {
      body_->text += bytes;
    }
  }
  body_->size += bytes.size();
}

std::size_t Receiver::feed(std::string_view bytes) {
  auto payload = [this](std::string_view piece) {
    if (!aws_chunked_) return decoded(piece);
    aws_.feed(piece, [this](std::string_view data) { decoded(data); });
    broken_ = broken_ || aws_.broken();
  };
  std::size_t used = 0;
  if (chunked_) {
    used = http_.feed(bytes, payload);
    complete_ = http_.done();
    broken_ = broken_ || http_.broken();
  } else {
    used = std::min<std::uint64_t>(left_, bytes.size());
    payload(bytes.substr(0, used));
    left_ -= used;
    complete_ = left_ == 0;
  }
  received_ += used;
  return used;
}

void Receiver::finish() {
  close_block();
  body_->digests.finish();
  body_->trailers = aws_chunked_ ? aws_.trailers() : chunked_ ? http_.trailers() : std::string();
  if (aws_chunked_ && !aws_.done()) broken_ = true;
}

}  // namespace haul::fakes3
