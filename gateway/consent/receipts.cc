#include "gateway/consent/receipts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/receipt_record.h"
#include "gateway/consent/receipt_text.h"
#include "gateway/crypto/ids.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

absl::Status NoEvent() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no such event, or not open to this caller");
}

// Whose ledger the event stands in; nobody's for an unknown one.
absl::StatusOr<std::vector<uint64_t>> FindOwner(store::ReaderPool* readers,
                                                const std::string& event_id) {
  std::vector<uint64_t> subjects;
  const auto id = crypto::ParseId(crypto::IdKind::kConsentEvent, event_id);
  if (!id.ok()) return subjects;
  const std::string key(reinterpret_cast<const char*>(id->data()), id->size());
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(
          "SELECT subject FROM consent_event_ids WHERE event_id = $1"));
  query.Bind(key);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (found) subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
  return subjects;
}

}  // namespace

void Receipts::Get(const clients::CallerContext& caller,
                   const v1::GetConsentReceiptRequest& request,
                   bool all_purposes, Done<v1::ConsentReceipt> done) const {
  const auto check = [](const LedgerView&) { return absl::OkStatus(); };
  const auto make = [this, request, all_purposes, caller](
                        const LedgerView& view, v1::ConsentReceipt* receipt,
                        store::v1::Leaf* leaf) -> absl::Status {
    if (view.members->empty()) return NoEvent();
    const vault::CachedSubject& subject = *view.members->front();
    const bool hers = std::any_of(
        view.members->begin(), view.members->end(), [&](const auto& member) {
          return member->subject() == caller.customer();
        });
    if (caller.IsCustomer() && !hers) return NoEvent();
    CONSENTRY_ASSIGN_OR_RETURN(const auto events,
                               ReadEvents(view.connection, subject.keys(),
                                          subject.head().consent_events()));
    const auto event = std::find_if(
        events.begin(), events.end(),
        [&](const auto& one) { return one.event_id() == request.event_id(); });
    if (event == events.end()) return NoEvent();
    google::protobuf::RepeatedPtrField<std::string> asked;
    *asked.Add() = event->purpose();
    if (!AskedPurposes(*view.configuration, *view.registration, asked,
                       all_purposes)
             .ok()) {
      return NoEvent();
    }
    leaf->set_purpose(event->purpose());
    CONSENTRY_ASSIGN_OR_RETURN(
        *receipt->mutable_json(),
        WriteReceipt(MakeReceipt(*view.configuration, subject.head(), *event,
                                 view.now_us)));
    CONSENTRY_ASSIGN_OR_RETURN(*receipt->mutable_signature(),
                               signer_->Sign(SignedText(receipt->json())));
    receipt->set_key_name(signer_->name());
    return absl::OkStatus();
  };
  v1::SubjectRef counted;
  counted.set_id(request.event_id());
  reads_.Ask<v1::ConsentReceipt>(
      {caller, counted,
       [readers = options_.readers, id = request.event_id()] {
         return FindOwner(readers, id);
       },
       all_purposes},
      {check, make}, std::move(done));
}

}  // namespace consentry::consent
