#include "notify/smtp.h"

#include "base/crypto.h"
#include "base/text.h"
#include "net/backend_tls.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace mlgate::notify {
namespace {

constexpr std::size_t kLine = 76;
constexpr std::size_t kEncodedWordBytes = 42;  // What fits one with its frame.

std::string in_lines(std::string_view base64) {
  std::string out;
  for (std::size_t at = 0; at < base64.size(); at += kLine) {
    out += base64.substr(at, kLine);
    out += "\r\n";
  }
  return out;
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// Text of a header field: encoded words (RFC 2047) unless it is plain. Line ends are gone.
std::string header_text(std::string_view text) {
  std::string clean;
  for (const char c : text) clean += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
  if (is_plain(clean) && clean.size() < kLine && clean.find("=?") == std::string::npos)
    return clean;
  std::string out;
  for (std::size_t at = 0; at < clean.size();) {
    std::size_t end = std::min(at + kEncodedWordBytes, clean.size());
    while (end > at + 1 && end < clean.size() &&
           (static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U)
      --end;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64_encode(clean.substr(at, end - at)) + "?=";
    at = end;
  }
  return out;
}

std::string mailbox(std::string_view name, std::string_view address) {
  if (trim(name).empty()) return "<" + std::string(address) + ">";
  std::string shown = header_text(name);
  if (!shown.starts_with("=?")) {
    shown = replace_all(replace_all(shown, "\\", "\\\\"), "\"", "\\\"");
    shown = "\"" + shown + "\"";
  }
  return shown + " <" + std::string(address) + ">";
}

std::string part(std::string_view boundary, std::string_view type, std::string_view text) {
  return "--" + std::string(boundary) + "\r\nContent-Type: " + std::string(type) +
         "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         in_lines(base64_encode(text)) + "\r\n";
}

std::string decode_entities(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kEntities{
      {{"&lt;", "<"},
       {"&gt;", ">"},
       {"&quot;", "\""},
       {"&#39;", "'"},
       {"&nbsp;", " "},
       {"&copy;", "(c)"},
       {"&amp;", "&"}}};
  for (const auto& [from, to] : kEntities) text = replace_all(text, from, to);
  return text;
}

bool ends_line(std::string_view tag) {
  for (const std::string_view name : {"br", "p", "/p", "/div", "/tr", "/li", "/h1", "/h2", "/h3"})
    if (starts_with_ignoring_case(tag, name) &&
        (tag.size() == name.size() || !is_alpha(tag[name.size()])))
      return true;
  return false;
}

}  // namespace

std::string plain_text(std::string_view html) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    const char c = html[at];
    if (c == '<') {
      const std::size_t close = html.find('>', at);
      const std::string_view tag =
          html.substr(at + 1, close == std::string_view::npos ? close : close - at - 1);
      if (ends_line(tag)) out += '\n';
      for (const char* hidden : {"style", "head", "title"}) {
        if (!starts_with_ignoring_case(tag, hidden)) continue;
        const std::size_t end = html.find("</" + std::string(hidden), at);
        at = end == std::string_view::npos ? html.size() : end;
      }
      const std::size_t after = html.find('>', at);
      if (after == std::string_view::npos) break;
      at = after + 1;
      continue;
    }
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ' && out.back() != '\n')
      out += ' ';
    ++at;
  }
  out = decode_entities(std::move(out));
  std::string neat;
  for (const char c : out)
    if (c != '\n' || !neat.ends_with("\n\n")) neat += c;
  return std::string(trim(neat)) + "\n";
}

std::string message_of(const Mail& mail, TimeMs now) {
  const std::string boundary = "=_" + mail.id;
  std::string date = to_http_date(now);
  date.replace(date.size() - 3, 3, "+0000");
  const std::string domain = mail.from.substr(mail.from.find('@') + 1);
  return "Date: " + date + "\r\nFrom: " + mailbox(mail.from_name, mail.from) + "\r\nTo: <" +
         mail.to + ">\r\nMessage-ID: <" + mail.id + "@" + domain +
         ">\r\nSubject: " + header_text(mail.subject) +
         "\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
         "Content-Type: multipart/alternative; boundary=\"" +
         boundary + "\"\r\n\r\n" + part(boundary, "text/plain", plain_text(mail.body)) +
         part(boundary, "text/html", mail.body) + "--" + boundary + "--\r\n";
}

Result<MailServer> parse_mail_server(std::string_view url, StartTls start_tls, std::string user,
                                     std::string password) {
  const auto wrong = [](const char* text) {
    return fail(Errc::invalid_argument, text, "mail.server");
  };
  MailServer out;
  out.start_tls = start_tls;
  if (url.starts_with("smtps://")) {
    out.implicit_tls = true;
    out.port = 465;
    url.remove_prefix(8);
  } else if (url.starts_with("smtp://")) {
    url.remove_prefix(7);
  } else {
    return wrong("setting 'mail.server' has to begin with smtp:// or smtps://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t bracket = url.rfind(']');
  const std::size_t colon = url.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = parse_uint(url.substr(colon + 1));
    if (!port || *port == 0 || *port > 65'535)
      return wrong("setting 'mail.server' has no good port");
    out.port = std::uint16_t(*port);
    url = url.substr(0, colon);
  }
  const bool good = !url.empty() && std::ranges::all_of(url, [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view(".-_[]:").find(c) != std::string_view::npos;
  });
  if (!good) return wrong("setting 'mail.server' names no host");
  out.host = url;
  if (!user.empty() && !out.implicit_tls && start_tls != StartTls::required)
    return fail(Errc::invalid_argument,
                "setting 'mail.user' needs smtps:// or 'mail.starttls' required: passwords are "
                "not sent in clear text",
                "mail.user");
  out.user = std::move(user);
  out.password = std::move(password);
  return out;
}

// What the library asks and tells while it works.
struct SmtpClient::Handle {
  CURL* curl = nullptr;
  const MailServer* server = nullptr;
  std::string upload, refused;
  std::size_t sent = 0;
  std::array<char, CURL_ERROR_SIZE> error{};

  ~Handle() {
    if (curl) curl_easy_cleanup(curl);
  }

  static std::size_t read(char* out, std::size_t size, std::size_t count, void* self) {
    auto& handle = *static_cast<Handle*>(self);
    const std::size_t bytes = std::min(size * count, handle.upload.size() - handle.sent);
    std::memcpy(out, handle.upload.data() + handle.sent, bytes);
    handle.sent += bytes;
    return bytes;
  }

  // The guard looks at the address that is dialled, whatever the name said.
  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* at) {
    auto& handle = *static_cast<Handle*>(self);
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    net::Address address;
    if (at->addrlen > sizeof address.storage) return CURL_SOCKET_BAD;
    std::memcpy(&address.storage, &at->addr, at->addrlen);
    address.size = at->addrlen;
    if (handle.server->check) {
      if (const auto checked = handle.server->check(address); !checked) {
        handle.refused = checked.error().message();
        return CURL_SOCKET_BAD;
      }
    }
    return ::socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
  }

  static CURLcode trust(CURL* /*curl*/, void* context, void* self) {
    const auto& handle = *static_cast<Handle*>(self);
    for (const auto& file : {handle.server->ca_certificate, handle.server->extra_ca}) {
      if (file.empty()) continue;
      if (!net::trust_authorities(static_cast<SSL_CTX*>(context), file))
        return CURLE_SSL_CACERT_BADFILE;
    }
    return CURLE_OK;
  }
};

SmtpClient::SmtpClient(MailServer server)
    : server_(std::move(server)), handle_(std::make_unique<Handle>()) {
  handle_->server = &server_;
}

SmtpClient::~SmtpClient() = default;

Result<void> SmtpClient::send(const Mail& mail, TimeMs now) {
  Handle& handle = *handle_;
  if (!handle.curl) handle.curl = curl_easy_init();
  CURL* const curl = handle.curl;
  if (!curl) return fail(Errc::unavailable, "no memory for a connection");
  // A connection that is still good stays with the handle.
  curl_easy_reset(curl);
  handle.upload = message_of(mail, now);
  handle.sent = 0;
  handle.refused.clear();
  handle.error.fill('\0');
  const std::string url = (server_.implicit_tls ? "smtps://" : "smtp://") + server_.host + ":" +
                          std::to_string(server_.port);
  const std::string from = "<" + mail.from + ">", to = "<" + mail.to + ">";
  curl_slist* const recipients = curl_slist_append(nullptr, to.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kSeconds);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle.error.data());
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Handle::open);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &handle);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, &Handle::trust);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, &handle);
  const long tls = server_.implicit_tls || server_.start_tls == StartTls::required ? CURLUSESSL_ALL
                   : server_.start_tls == StartTls::offered                        ? CURLUSESSL_TRY
                                                            : CURLUSESSL_NONE;
  curl_easy_setopt(curl, CURLOPT_USE_SSL, tls);
  if (!server_.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, server_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, server_.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Handle::read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &handle);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  const CURLcode done = curl_easy_perform(curl);
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  curl_slist_free_all(recipients);
  handle.upload.clear();
  if (done == CURLE_OK) return {};
  if (!handle.refused.empty()) return fail(Errc::denied, handle.refused);
  std::string text = handle.error[0] != '\0' ? handle.error.data() : curl_easy_strerror(done);
  // 53x are about the account that sends, which its owner may mend.
  const bool for_good = code >= 550 && code < 560 && done != CURLE_LOGIN_DENIED;
  return fail(for_good ? Errc::invalid_argument : Errc::unavailable, std::move(text));
}

}  // namespace mlgate::notify
