#include "gateway/identity/fetch.h"

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace consentry::identity {
namespace {

struct Body {
  std::string text;
  size_t most = 0;
};

size_t Take(char* data, size_t size, size_t count, void* target) {
  auto* body = static_cast<Body*>(target);
  const size_t bytes = size * count;
  if (bytes > body->most - body->text.size()) return 0;
  body->text.append(data, bytes);
  return bytes;
}

int Ask(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
}

}  // namespace

absl::StatusOr<std::string> HttpsGet(const std::string& url,
                                     const FetchOptions& options) {
  if (!absl::StartsWith(url, "https://")) {
    return absl::InvalidArgumentError("not an https URL");
  }
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> owned(
      curl_easy_init(), &curl_easy_cleanup);
  CURL* const curl = owned.get();
  if (curl == nullptr) return absl::ResourceExhaustedError("no memory");
  Body body{.text = {}, .most = options.most_bytes};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION,
                   static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_ms));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(options.total_ms));
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE,
                   static_cast<long>(options.most_bytes));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  if (options.cancelled != nullptr) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Ask);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, options.cancelled);
  }
  if (!options.authorities.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options.authorities.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    return absl::UnavailableError(
        absl::StrCat("the fetch failed: ", curl_easy_strerror(code)));
  }
  long answer = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
  if (answer != 200) {
    return absl::UnavailableError(absl::StrCat("the server answered ", answer));
  }
  return std::move(body.text);
}

}  // namespace consentry::identity
