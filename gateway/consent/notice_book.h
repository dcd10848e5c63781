#ifndef CONSENTRY_GATEWAY_CONSENT_NOTICE_BOOK_H_
#define CONSENTRY_GATEWAY_CONSENT_NOTICE_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::consent {

// Why consents that such an interface collects prove nothing (EDPB Guidelines
// 03/2022; 11 CCR 7004(a)(2) and (c); CJEU C-673/17 for boxes that are ticked
// already): "pre_ticked", "refusing_takes_longer", "refusal_hidden",
// "refusal_less_prominent". Empty: nothing. Pure.
std::vector<std::string> ManifestFaults(const v1::InterfaceManifest& manifest);

// What is registered of notices, without their texts, in memory: the one thing
// that a reported consent is held against. Safe for many threads; never waits.
class NoticeBook {
 public:
  // All that the store holds. Before the first call.
  absl::Status Load(store::Connection* connection);

  // A notice as registered; never replaces one.
  void Add(const v1::Notice& notice);

  // Why a consent that names a notice proves nothing for its purpose: a fault
  // of the interface, "text_differs" (its hash is of no registered text),
  // "language_unknown", "purpose_not_named". Empty: nothing is known against
  // it, or that version of the notice is not registered. A report that names
  // neither language nor hash is held against every language.
  std::string FaultOf(const store::v1::ConsentEvent& consent) const;

  // Makes a grant that its notice does not carry an INVALIDATED event.
  void Judge(store::v1::ConsentEvent* consent) const;

 private:
  // What one text of a notice says.
  struct Text {
    std::string language;
    std::string hash;  // 32 bytes.
    std::vector<std::string> purposes;
    std::string fault;  // The first of the interface's.
  };
  static std::string FaultIn(const Text& text, const std::string& purpose);

  mutable Mutex mu_;
  std::map<std::pair<std::string, uint32_t>, std::vector<Text>> texts_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_NOTICE_BOOK_H_
