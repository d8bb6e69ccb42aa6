// Certificates for tests, made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace haul::http {

// An authority that signs whatever it is asked to. Its own certificate is in a file as long as it lives.
class TestAuthority {
 public:
  TestAuthority() : key_(EVP_EC_gen("P-256")), certificate_(make("Test authority", "", key_, 3600)) {
    const int file = ::mkstemp(path_.data());
    FILE* stream = ::fdopen(file, "w");
    PEM_write_X509(stream, certificate_);
    std::fclose(stream);
  }
  ~TestAuthority() {
    ::unlink(path_.c_str());
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& file() const { return path_; }

  // A server's settings with a certificate for `names` ("DNS:a.test,IP:127.0.0.1"), valid for some seconds
  // from now; negative: expired since. The caller frees it.
  SSL_CTX* server(const std::string& names, long valid_for = 3600, int only_protocol = 0) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = make("Test server", names, key, valid_for);
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("test"), 4);
    SSL_CTX_set_alpn_select_cb(context, &select_protocol, nullptr);
    if (only_protocol != 0) SSL_CTX_set_max_proto_version(context, only_protocol);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
  }

 private:
  static int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned offered_size, void*) {
    static constexpr unsigned char kWanted[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, size, kWanted, sizeof kWanted, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
      return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
  }

  X509* make(const std::string& common_name, const std::string& names, EVP_PKEY* key, long valid_for) const {
    static long serial = 1;
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_for);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    const bool authority = names.empty();
    X509_set_issuer_name(certificate, authority ? subject : X509_get_subject_name(certificate_));
    add(certificate, authority ? NID_basic_constraints : NID_subject_alt_name,
        authority ? "critical,CA:TRUE" : names);
    X509_sign(certificate, key_, EVP_sha256());
    return certificate;
  }
  static void add(X509* certificate, int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    if (extension == nullptr) throw std::runtime_error("bad extension " + value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  std::string path_ = "/tmp/haul-test-ca-XXXXXX";
  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace haul::http
