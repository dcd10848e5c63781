#include "gateway/clients/certificate_chain.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace consentry::clients {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

void FreeStack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using Certificates = std::unique_ptr<STACK_OF(X509), Deleter<FreeStack>>;

// Every certificate of a PEM text, in order.
Certificates ReadAll(std::string_view pem) {
  Certificates all(sk_X509_new_null());
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(all.get(), next);
  }
  ERR_clear_error();  // The end of the text.
  return all;
}

}  // namespace

absl::Status CheckChain(std::string_view pem, std::string_view roots_pem,
                        int64_t now_us) {
  const Certificates chain = ReadAll(pem);
  const Certificates roots = ReadAll(roots_pem);
  if (sk_X509_num(chain.get()) == 0 || sk_X509_num(roots.get()) == 0) {
    return absl::InvalidArgumentError("no certificate in the text");
  }
  const std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>> store(
      X509_STORE_new());
  for (int i = 0; i < sk_X509_num(roots.get()); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(roots.get(), i));
  }
  const std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), sk_X509_value(chain.get(), 0),
                      chain.get());
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT);
  X509_STORE_CTX_set_time(context.get(), 0,
                          static_cast<time_t>(now_us / 1'000'000));
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good ? absl::OkStatus()
              : absl::InvalidArgumentError(
                    "the certificate leads to no trusted authority");
}

}  // namespace consentry::clients
