#include "auth/sigv4.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/encoding.h"
#include "base/error.h"

namespace haul::auth {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

Signature hex_of(const Sha256Bytes& bytes) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  Signature text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto b = std::to_integer<unsigned>(bytes[i]);
    text[2 * i] = kDigits[b >> 4];
    text[2 * i + 1] = kDigits[b & 15];
  }
  return text;
}

template <std::size_t size>
std::string_view view(const std::array<char, size>& text) noexcept {
  return {text.data(), size};
}

std::array<char, 16> format_amz_date(std::int64_t second) noexcept {
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 16> text;
  const auto put = [&text](std::size_t at, unsigned value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0; value /= 10)
      text[at + i] = static_cast<char>('0' + value % 10);
  };
  put(0, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(4, static_cast<unsigned>(date.month()), 2);
  put(6, static_cast<unsigned>(date.day()), 2);
  text[8] = 'T';
  put(9, static_cast<unsigned>(clock.hours().count()), 2);
  put(11, static_cast<unsigned>(clock.minutes().count()), 2);
  put(13, static_cast<unsigned>(clock.seconds().count()), 2);
  text[15] = 'Z';
  return text;
}

// Without the white space around it, and runs of spaces as one: a proxy may change those.
void append_canonical_value(std::string& out, std::string_view value) {
  constexpr std::string_view kAround = " \t";
  if (!value.empty() && (kAround.contains(value.front()) || kAround.contains(value.back()))) {
    const std::size_t from = value.find_first_not_of(kAround);
    if (from == std::string_view::npos) return;
    value = value.substr(from, value.find_last_not_of(kAround) + 1 - from);
  }
  while (true) {
    const std::size_t run = value.find("  ");
    if (run == std::string_view::npos) break;
    out.append(value.substr(0, run + 1));
    value = value.substr(value.find_first_not_of(' ', run));
  }
  out.append(value);
}

// RFC 3986 section 5.2.4 and empty segments removed, then encoded once more: all services but S3.
void append_normalised_path(std::string& out, std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    const std::string_view segment = path.substr(from, to - from);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    from = to + 1;
  }
  for (const std::string_view segment : segments) {
    out.push_back('/');
    append_percent_encoded(out, segment);
  }
  if (segments.empty() || path.ends_with('/')) out.push_back('/');
}

}  // namespace

Signer::Signer(std::string region, std::string service)
    : region_(std::move(region)), service_(std::move(service)), is_s3_(service_ == "s3") {}

void Signer::prepare(const Snapshot& credentials, Time now) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const bool new_credentials = credentials_ != credentials;
  if (second != second_ || amz_date_[0] == 0) {
    second_ = second;
    amz_date_ = format_amz_date(second);
  }
  if (!new_credentials && std::memcmp(key_day_.data(), amz_date_.data(), key_day_.size()) == 0) return;
  credentials_ = credentials;
  std::memcpy(key_day_.data(), amz_date_.data(), key_day_.size());
  derive_key();
}

void Signer::derive_key() {
  Secret start("AWS4" + std::string(credentials_->secret_key.reveal()));
  const auto derive = [](const HmacSha256Key& key, std::string_view text) {
    return HmacSha256Key(key.sign(text));
  };
  const HmacSha256Key day = derive(HmacSha256Key(start.reveal()), view(key_day_));
  key_ = derive(derive(derive(day, region_), service_), "aws4_request");

  scope_.assign(view(key_day_))
      .append("/")
      .append(region_)
      .append("/")
      .append(service_)
      .append("/aws4_request");
  authorization_.assign("Authorization: ")
      .append(kAlgorithm)
      .append(" Credential=")
      .append(credentials_->access_key)
      .append("/")
      .append(scope_)
      .append(", SignedHeaders=");
}

// The caller's headers and the signer's own as one sorted list. By header the signer adds the date, the token
// and the hash of the payload; a presigned URL has those in its query.
void Signer::order_headers(const SigningRequest& request, bool by_header) {
  std::array<HeaderView, 4> own{};
  std::size_t count = 0;
  own[count++] = {"host", request.host};
  if (by_header) {
    if (is_s3_) own[count++] = {"x-amz-content-sha256", request.payload_hash};
    own[count++] = {"x-amz-date", view(amz_date_)};
    if (!credentials_->session_token.empty())
      own[count++] = {"x-amz-security-token", credentials_->session_token.reveal()};
  }
  ordered_.clear();
  if (std::ranges::is_sorted(request.headers, {}, &HeaderView::name)) {
    std::ranges::merge(request.headers, std::span(own).first(count), std::back_inserter(ordered_), {},
                       &HeaderView::name, &HeaderView::name);
  } else {
    ordered_.assign(request.headers.begin(), request.headers.end());
    ordered_.insert(ordered_.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(count));
    // By insertion: stable, in place, and the list is short.
    for (auto it = ordered_.begin(); it != ordered_.end(); ++it)
      std::rotate(std::ranges::upper_bound(ordered_.begin(), it, it->name, {}, &HeaderView::name), it,
                  it + 1);
  }
}

Signature Signer::sign_canonical(const SigningRequest& request, std::string_view query,
                                 std::string_view payload_hash) {
  canonical_.assign(request.method);
  canonical_.push_back('\n');
  if (is_s3_ && !request.path.empty())
    canonical_.append(request.path);
  else
    append_normalised_path(canonical_, request.path);
  canonical_.push_back('\n');
  canonical_.append(query);
  canonical_.push_back('\n');

  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const bool repeated = i != 0 && ordered_[i].name == ordered_[i - 1].name;
    if (repeated) {
      canonical_.back() = ',';  // in place of the line's end
    } else {
      canonical_.append(ordered_[i].name);
      canonical_.push_back(':');
    }
    append_canonical_value(canonical_, ordered_[i].value);
    canonical_.push_back('\n');
  }
  canonical_.push_back('\n');

  const std::size_t names_from = canonical_.size();
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    if (i != 0) {
      if (ordered_[i].name == ordered_[i - 1].name) continue;
      canonical_.push_back(';');
    }
    canonical_.append(ordered_[i].name);
  }
  const std::size_t names_size = canonical_.size() - names_from;
  canonical_.push_back('\n');
  canonical_.append(payload_hash);

  const Signature hash = hex_of(sha256(canonical_));
  const std::size_t to_sign_from = canonical_.size();
  canonical_.append(kAlgorithm).append("\n").append(view(amz_date_)).append("\n");
  canonical_.append(scope_).append("\n").append(view(hash));
  signed_names_ = std::string_view(canonical_).substr(names_from, names_size);
  return hex_of(key_.sign(std::string_view(canonical_).substr(to_sign_from)));
}

Signature Signer::sign(const Snapshot& credentials, const SigningRequest& request, Time now,
                       std::string& lines) {
  if (credentials->anonymous()) return {};
  prepare(credentials, now);
  order_headers(request, true);
  const Signature signature = sign_canonical(request, request.query, request.payload_hash);

  lines.append(authorization_).append(signed_names_).append(", Signature=").append(view(signature));
  lines.append("\r\nx-amz-date: ").append(view(amz_date_));
  if (!credentials->session_token.empty())
    lines.append("\r\nx-amz-security-token: ").append(credentials->session_token.reveal());
  if (is_s3_) lines.append("\r\nx-amz-content-sha256: ").append(request.payload_hash);
  lines.append("\r\n");
  return signature;
}

std::string Signer::presign(const Snapshot& credentials, const SigningRequest& request,
                            std::chrono::seconds expires, Time now) {
  constexpr std::chrono::seconds kLongest = std::chrono::days(7);
  if (credentials->anonymous())
    throw Error(ErrorClass::invalid_argument, "a URL cannot be presigned without credentials")
        .during("presign")
        .with_hint("leave out --no-sign-request");
  if (expires < std::chrono::seconds(1) || expires > kLongest)
    throw Error(ErrorClass::invalid_argument, "a presigned URL is valid for 1 second to 7 days")
        .during("presign");
  prepare(credentials, now);
  order_headers(request, false);

  std::vector<std::string> parameters;
  for (std::size_t from = 0; from < request.query.size();) {
    const std::size_t to = std::min(request.query.find('&', from), request.query.size());
    parameters.emplace_back(request.query.substr(from, to - from));
    from = to + 1;
  }
  std::string names;
  for (const HeaderView& header : ordered_)
    if (names.empty() || !(";" + names).ends_with(";" + std::string(header.name)))
      names.append(names.empty() ? "" : ";").append(header.name);
  parameters.push_back("X-Amz-Algorithm=" + std::string(kAlgorithm));
  parameters.push_back("X-Amz-Credential=" + percent_encode(credentials->access_key + "/" + scope_));
  parameters.push_back("X-Amz-Date=" + std::string(view(amz_date_)));
  parameters.push_back("X-Amz-Expires=" + std::to_string(expires.count()));
  if (!credentials->session_token.empty())
    parameters.push_back("X-Amz-Security-Token=" + percent_encode(credentials->session_token.reveal()));
  parameters.push_back("X-Amz-SignedHeaders=" + percent_encode(names));
  // By name and value apart: `a-b=` sorts behind `a=`, though '-' is below '='.
  std::ranges::sort(parameters, [](std::string_view a, std::string_view b) {
    const std::size_t a_name = a.find('='), b_name = b.find('=');
    return std::pair(a.substr(0, a_name), a.substr(a_name)) <
           std::pair(b.substr(0, b_name), b.substr(b_name));
  });
  std::string query;
  for (const std::string& parameter : parameters)
    query.append(query.empty() ? "" : "&").append(parameter);
  const Signature signature = sign_canonical(request, query, request.payload_hash);
  return query.append("&X-Amz-Signature=").append(view(signature));
}

ChunkSigner Signer::chunks(const Signature& seed) const {
  return ChunkSigner(key_, view(amz_date_), scope_, seed);
}

ChunkSigner::ChunkSigner(const HmacSha256Key& key, std::string_view amz_date, std::string_view scope,
                         const Signature& seed)
    : key_(key), previous_(seed) {
  stamp_.append("\n").append(amz_date).append("\n").append(scope).append("\n");
}

Signature ChunkSigner::next(std::string_view algorithm, std::string_view hashes) {
  std::string text(algorithm);
  text.append(stamp_).append(view(previous_)).append("\n").append(hashes);
  previous_ = hex_of(key_.sign(text));
  return previous_;
}

void ChunkSigner::append_head(ByteView chunk, std::string& out) {
  std::string hashes(kEmptyPayload);
  hashes.append("\n").append(view(hex_of(sha256(chunk))));
  const Signature signature = next("AWS4-HMAC-SHA256-PAYLOAD", hashes);
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), chunk.size(), 16).ptr;
  out.append(digits.data(), end).append(";chunk-signature=").append(view(signature)).append("\r\n");
}

void ChunkSigner::append_end(std::string& out) {
  append_head({}, out);
  out.append("\r\n");
}

void ChunkSigner::append_end_with_trailer(std::string_view name, std::string_view value, std::string& out) {
  append_head({}, out);
  std::string trailer(name);
  trailer.append(":").append(value);
  out.append(trailer);
  const Signature hash = hex_of(sha256(trailer.append("\n")));
  const Signature signature = next("AWS4-HMAC-SHA256-TRAILER", view(hash));
  out.append("\r\nx-amz-trailer-signature:").append(view(signature)).append("\r\n\r\n");
}

std::uint64_t ChunkSigner::encoded_size(std::uint64_t size, std::uint64_t chunk_size,
                                        std::size_t trailer_size) {
  constexpr std::uint64_t kFixed = std::string_view(";chunk-signature=\r\n\r\n").size() + 64;
  const auto framed = [](std::uint64_t bytes) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
    return static_cast<std::uint64_t>(end - digits.data()) + kFixed + bytes;
  };
  std::uint64_t total = size / chunk_size * framed(chunk_size) + framed(0);
  if (size % chunk_size != 0) total += framed(size % chunk_size);
  if (trailer_size != 0)
    total += trailer_size + 2 + std::string_view("x-amz-trailer-signature:\r\n").size() + 64;
  return total;
}

}  // namespace haul::auth
