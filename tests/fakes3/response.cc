#include "response.h"

namespace haul::fakes3 {

namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 416: return "Requested Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

void append_request_id(std::string& out, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4)
    out += "0123456789ABCDEF"[number >> shift & 15];
}

}  // namespace

std::string error_document(const Refusal& refusal, const Request& request) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + refusal.code + "</Code><Message>";
  append_xml(out, refusal.message);
  out += "</Message>" + refusal.elements + "<Resource>";
  append_xml(out, request.path);
  out += "</Resource><HostId>fakes3</HostId></Error>";
  return out;
}

void refuse(Response& response, const Refusal& refusal, const Request& request) {
  response.reset();
  response.status = refusal.status;
  response.headers = refusal.headers;
  if (request.method == "HEAD" || refusal.status == 304) {
    response.bodiless = true;
    return;
  }
  response.xml(error_document(refusal, request));
}

void render_head(const Response& response, std::uint64_t request_number, std::string_view date,
                 std::string& out) {
  out.assign("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason(response.status)).append("\r\nx-amz-id-2: fakes3\r\nx-amz-request-id: ");
  append_request_id(out, request_number);
  out.append("\r\nDate: ")
      .append(response.date.empty() ? date : std::string_view(response.date))
      .append("\r\nServer: fakes3\r\n")
      .append(response.headers);
  if (!response.type.empty()) out.append("Content-Type: ").append(response.type).append("\r\n");
  if (response.close) out.append("Connection: close\r\n");
  if (response.status != 204 && response.status != 304) {
    out.append("Content-Length: ");
    append_number(out, response.text.empty() ? response.length : response.text.size());
    out.append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace haul::fakes3
