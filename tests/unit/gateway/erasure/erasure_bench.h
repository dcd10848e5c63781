#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_BENCH_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_BENCH_H_

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/erasure/erasure_desk.h"
#include "gateway/vault/merges.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/access/whole_gateway.h"

namespace consentry::erasure {

using access::WholeGateway;

inline constexpr char kService[] = "essential.service.operations";
inline constexpr char kLetters[] = "marketing.communications.email";

inline v1::SubjectRef ByEmail(const std::string& key) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(key + "@shop.example");
  return ref;
}

inline v1::SubjectRef ById(const std::string& id) {
  v1::SubjectRef ref;
  ref.set_id(id);
  return ref;
}

// What is done to a gateway, each step until it is done.
class ErasureBench {
 public:
  explicit ErasureBench(const std::string& config,
                        server::Gateway::Options options = {})
      : gateway(config, std::move(options)) {}

  v1::ImportRow Row(const std::string& key,
                    const std::string& kind = "profile") {
    v1::ImportRow row;
    row.set_number(1);
    row.set_kind(kind);
    row.set_source_key(kind + key);
    auto* id = row.add_identifiers();
    id->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    id->set_value(key + "@shop.example");
    (*row.mutable_values())[kind == "order" ? "number" : "given_name"]
        .set_string_value("Anna");
    return row;
  }
  v1::ImportRowResult Import(const v1::ImportRow& row) {
    v1::ImportHeader header;
    header.set_source("crm");
    header.set_purpose(kService);
    v1::ImportRows rows;
    *rows.add_rows() = row;
    std::promise<absl::StatusOr<v1::ImportRecordsResponse>> promise;
    gateway->writes()->Import(
        WholeGateway::As("shop", "data.import"), header, rows,
        [&](auto response) { promise.set_value(std::move(response)); });
    const auto response = promise.get_future().get();
    EXPECT_OK(response);
    return response.ok() ? response->results(0) : v1::ImportRowResult();
  }
  uint64_t Number(const std::string& id) {
    const auto parsed = crypto::ParseId(crypto::IdKind::kSubject, id);
    auto lease = gateway->readers()->Acquire();
    auto query = (*lease)->Prepare("SELECT subject FROM lookup WHERE key = $1");
    const crypto::BlindIndex key = vault::PublicIdKey(*parsed);
    query->Bind(vault::AsBytes(key));
    const auto found = query->Step();
    return found.ok() && *found ? static_cast<uint64_t>(query->Int64(0)) : 0;
  }
  absl::StatusOr<int64_t> Change(std::function<absl::StatusOr<int64_t>(
                                     store::ChangeContext&, store::v1::Leaf*)>
                                     apply) {
    store::Change change;
    int64_t result = 0;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf = clients::LeafOf(
          *gateway->registry()->current(),
          WholeGateway::As("compliance", "rights.complete"), context.now_us());
      auto done = apply(context, &leaf);
      if (!done.ok()) return done.status();
      result = *done;
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    const auto outcome =
        gateway->committer()->CommitChangeAndWait(std::move(change));
    if (!outcome.status.ok()) return outcome.status;
    return result;
  }
  absl::StatusOr<int64_t> Decide(const std::string& id,
                                 const std::string& case_id) {
    ErasureOrder order;
    order.subject = Number(id);
    order.case_id = case_id;
    return Change([&](store::ChangeContext& context, store::v1::Leaf* leaf) {
      return gateway->erasures()->Decide(context, order, leaf);
    });
  }
  absl::Status Cancel(int64_t erasure) {
    return Change([&](store::ChangeContext& context,
                      store::v1::Leaf* leaf) -> absl::StatusOr<int64_t> {
             const absl::Status status =
                 gateway->erasures()->Cancel(context, erasure, leaf);
             if (!status.ok()) return status;
             return 0;
           })
        .status();
  }
  // As the entry has it: callers are not told.
  v1::ErrorReason ReasonOfRead(const std::string& id) {
    return ReasonOfRead(ById(id));
  }
  v1::ErrorReason ReasonOfRead(const v1::SubjectRef& subject) {
    const auto leaf = gateway.LeafAt(gateway.IndexOf(gateway.Read(subject)));
    return static_cast<v1::ErrorReason>(leaf.subjects(0).reason());
  }
  ErasureState StateOf(const std::string& case_id) {
    auto lease = gateway->readers()->Acquire();
    const auto status = gateway->erasures()->StatusOf(lease->get(), case_id);
    EXPECT_OK(status);
    return status.ok() && status->has_value() ? (*status)->state
                                              : ErasureState::kCancelled;
  }
  bool WaitFor(const std::string& case_id, ErasureState state) {
    for (int i = 0; i < 3000; ++i) {
      if (StateOf(case_id) == state) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  absl::StatusOr<v1::ErasureCertificate> Certificate(
      const std::string& case_id) {
    auto lease = gateway->readers()->Acquire();
    return gateway->erasures()->CertificateOf(lease->get(), case_id);
  }
  v1::ErasurePlan Preview(const v1::SubjectRef& subject) {
    v1::PreviewErasureRequest request;
    *request.mutable_subject() = subject;
    const auto plan = gateway.Wait<v1::ErasurePlan>([&](auto done) {
      gateway->erasures()->Preview(
          WholeGateway::As("compliance", "rights.preview"), request,
          std::move(done));
    });
    EXPECT_OK(plan);
    return plan.ok() ? *plan : v1::ErasurePlan();
  }
  absl::StatusOr<v1::LegalHold> Place(const std::string& id,
                                      const std::vector<std::string>& fields) {
    v1::PlaceLegalHoldRequest request;
    request.mutable_subject()->set_id(id);
    request.mutable_fields()->Assign(fields.begin(), fields.end());
    request.set_ground("GDPR Art. 17(3)(e)");
    request.set_document("matter 7");
    std::promise<absl::StatusOr<v1::LegalHold>> promise;
    gateway->erasures()->PlaceHold(
        WholeGateway::As("dpo", "hold.place"), request,
        [&](auto hold) { promise.set_value(std::move(hold)); });
    return promise.get_future().get();
  }
  absl::StatusOr<v1::LegalHold> Lift(const std::string& hold) {
    v1::LiftLegalHoldRequest request;
    request.set_id(hold);
    request.set_reason_code("settled");
    std::promise<absl::StatusOr<v1::LegalHold>> promise;
    gateway->erasures()->LiftHold(
        WholeGateway::As("dpo", "hold.lift"), request,
        [&](auto lifted) { promise.set_value(std::move(lifted)); });
    return promise.get_future().get();
  }
  void OptOut(const v1::SubjectRef& subject) {
    v1::OptOutRequest request;
    *request.mutable_subject() = subject;
    request.add_kinds(v1::OPT_OUT_KIND_DIRECT_MARKETING);
    std::promise<absl::Status> promise;
    gateway->ledger()->OptOut(
        WholeGateway::As("shop", "consent.opt_out"), request,
        [&](auto answer) { promise.set_value(answer.status()); });
    EXPECT_OK(promise.get_future().get());
  }
  void Withdraw(const v1::SubjectRef& subject) {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(kLetters);
    std::promise<absl::Status> promise;
    gateway->ledger()->Withdraw(
        WholeGateway::As("shop", "consent.withdraw"), request,
        [&](auto answer) { promise.set_value(answer.status()); });
    EXPECT_OK(promise.get_future().get());
  }
  v1::GetConsentStateResponse State(const v1::SubjectRef& subject) {
    v1::GetConsentStateRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(kLetters);
    std::promise<absl::StatusOr<v1::GetConsentStateResponse>> promise;
    gateway->ledger()->GetState(
        WholeGateway::As("shop", "consent.state"), request,
        /*all_purposes=*/true, [&](auto answer) {
          if (answer.ok()) {
            promise.set_value(std::move(answer->response));
          } else {
            promise.set_value(answer.status());
          }
        });
    auto response = promise.get_future().get();
    EXPECT_OK(response);
    return response.ok() ? *std::move(response) : v1::GetConsentStateResponse();
  }

  WholeGateway gateway;
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_BENCH_H_
