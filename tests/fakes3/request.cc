#include "request.h"

#include <algorithm>

#include "text.h"

namespace haul::fakes3 {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

bool Request::parse(std::string_view head) {
  count_ = 0;
  content_length = 0;
  chunked = aws_chunked = expects_continue = false;
  bucket.clear();
  key.clear();

  std::size_t line_end = head.find("\r\n");
  std::string_view line = head.substr(0, line_end);
  std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || !line.substr(last + 1).starts_with("HTTP/1."))
    return false;
  keep_alive = line.ends_with('1');
  method = line.substr(0, first);
  target = line.substr(first + 1, last - first - 1);
  if (target.starts_with("http://") || target.starts_with("https://")) {
    std::size_t slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  std::size_t mark = target.find('?');
  path = target.substr(0, mark);
  query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);

  std::size_t at = line_end + 2;
  while (at < head.size()) {
    std::size_t end = head.find("\r\n", at);
    if (end == std::string_view::npos || end == at) break;
    std::string_view field = head.substr(at, end - at);
    at = end + 2;
    std::size_t colon = field.find(':');
    if (colon == std::string_view::npos || count_ == headers_.size()) return false;
    headers_[count_++] = {field.substr(0, colon), trimmed(field.substr(colon + 1))};
  }

  for (const Header& header : *this) {
    switch (header.name.size()) {
      case 6:
        if (equal_ignoring_case(header.name, "expect"))
          expects_continue = equal_ignoring_case(header.value, "100-continue");
        break;
      case 10:
        if (equal_ignoring_case(header.name, "connection")) {
          if (equal_ignoring_case(header.value, "close")) keep_alive = false;
          if (equal_ignoring_case(header.value, "keep-alive")) keep_alive = true;
        }
        break;
      case 14:
        if (equal_ignoring_case(header.name, "content-length")) {
          auto length = parse_number(header.value);
          if (!length) return false;
          content_length = *length;
        }
        break;
      case 16:
        if (equal_ignoring_case(header.name, "content-encoding")) {
          aws_chunked = header.value.find("aws-chunked") != std::string_view::npos;
        }
        break;
      case 17:
        if (equal_ignoring_case(header.name, "transfer-encoding")) {
          chunked = equal_ignoring_case(header.value, "chunked");
          if (!chunked) return false;
        }
        break;
      case 20:
        if (equal_ignoring_case(header.name, "x-amz-content-sha256") &&
            header.value.starts_with("STREAMING-")) {
          aws_chunked = true;
        }
        break;
      default: break;
    }
  }
  return true;
}

const std::string_view* Request::find(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Header& header = headers_[i];
    // the last byte tells x-amz headers of one length apart, and most others too
    if (header.name.size() == name.size() && (header.name.back() | 32) == (name.back() | 32) &&
        equal_ignoring_case(header.name, name)) {
      return &header.value;
    }
  }
  return nullptr;
}

std::optional<std::string_view> Request::raw_parameter(std::string_view name) const {
  for (std::size_t at = 0; at < query.size();) {
    std::size_t end = std::min(query.find('&', at), query.size());
    std::string_view pair = query.substr(at, end - at);
    std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  auto raw = raw_parameter(name);
  if (!raw) return std::nullopt;
  return url_decode(*raw, Plus::space);
}

void ChunkDecoder::control(char c) {
  auto end_of_size = [this] {
    state_ = left_ != 0 ? State::data : State::trailer;
    if (digits_ == 0) broken_ = true;
    line_ = digits_ = 0;
  };
  switch (state_) {
    case State::size:
      if (int digit = hex_digit(c); digit >= 0) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        if (++digits_ > 15) broken_ = true;
      } else if (c == '\n') {
        end_of_size();
      } else if (c == ';') {
        state_ = State::extension;
      } else if (c != '\r') {
        broken_ = true;
      }
      break;
    case State::extension:
      if (c == '\n') end_of_size();
      break;
    case State::data_end:
      if (c == '\n') {
        state_ = State::size;
      } else if (c != '\r') {
        broken_ = true;
      }
      break;
    case State::trailer:
      if (c == '\n') {
        if (line_ == 0) {
          state_ = State::done;
        } else {
          trailers_ += c;
        }
        line_ = 0;
      } else if (c != '\r') {
        trailers_ += c;
        ++line_;
      }
      break;
    case State::data:
    case State::done: break;
  }
  if (broken_) state_ = State::done;
}

}  // namespace haul::fakes3
