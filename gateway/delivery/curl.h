#ifndef CONSENTRY_GATEWAY_DELIVERY_CURL_H_
#define CONSENTRY_GATEWAY_DELIVERY_CURL_H_

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <string>

namespace consentry::delivery {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

// A handle with what all outgoing connections share: no signals, no proxy and
// no other setting from the environment, no cookie, no .netrc, no redirect;
// certificates checked against `authorities` (PEM file; empty: the system's);
// `timeout_seconds` for the whole, at most 10 of them to connect. Ends soon
// after `*stop` becomes true; it outlives the handle. Null without memory.
CurlHandle NewCurl(const char* protocols, const std::string& authorities,
                   long timeout_seconds, const std::atomic<bool>* stop);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_CURL_H_
