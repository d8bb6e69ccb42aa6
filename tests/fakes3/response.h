// An answer before it is sent, and the refusal that ends an operation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "content.h"
#include "request.h"
#include "text.h"

namespace haul::fakes3 {

/// Thrown by an operation: becomes the error document of S3.
struct Refusal {
  int status;
  std::string code, message;
  std::string elements = {};  // further elements of the document
  std::string headers = {};   // header lines, each ended by CR LF
};

struct Response {
  int status = 200;
  std::string headers;       // lines, each ended by CR LF
  std::string_view type;     // content type of `text`; empty: none
  std::string text;          // a document, or
  std::string date;          // another than the server's; empty: its own
  Content content;           // an object's bytes,
  std::uint64_t length = 0;  // this many (a HEAD has a length and no content)
  bool close = false;        // end the connection after it
  bool bodiless = false;     // answer to HEAD, 204, 304

  /// For the next answer; keeps what is allocated.
  void reset() {
    status = 200;
    headers.clear();
    type = {};
    text.clear();
    date.clear();
    content.clear();
    length = 0;
    close = bodiless = false;
  }
  void header(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }
  void header(std::string_view name, std::uint64_t value) {
    headers.append(name).append(": ");
    append_number(headers, value);
    headers.append("\r\n");
  }
  void xml(std::string document) {
    text = std::move(document);
    type = "application/xml";
  }
};

std::string error_document(const Refusal& refusal, const Request& request);

/// Turns the response into that error (without a document for HEAD).
void refuse(Response& response, const Refusal& refusal, const Request& request);

/// Status line, common headers, the response's own, length and the empty line.
void render_head(const Response& response, std::uint64_t request_number, std::string_view date,
                 std::string& out);

}  // namespace haul::fakes3
