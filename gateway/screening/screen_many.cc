#include <memory>
#include <utility>
#include <vector>

#include "gateway/screening/screener.h"
#include "proto/support/error.h"
#include "proto/support/field_faults.h"
#include "proto/support/mutex.h"

// Several outputs at a time: many changes in flight, which the committer takes
// together.
namespace consentry::screening {
namespace {

// Results of a batch, as they come.
struct Gathered {
  Mutex mu;
  size_t open ABSL_GUARDED_BY(mu) = 0;
  absl::Status failure ABSL_GUARDED_BY(mu);
  std::vector<v1::ScreenOutputResponse> results ABSL_GUARDED_BY(mu);
  std::vector<store::ReleaseTicket> tickets ABSL_GUARDED_BY(mu);
  access::Done<std::vector<v1::ScreenOutputResponse>> done;
};

// Of the gateway, not of one output.
bool FailsAll(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_AUDIT_UNAVAILABLE ||
         reason == v1::ERROR_REASON_STOPPING ||
         reason == v1::ERROR_REASON_INTERNAL;
}

void Finish(Gathered* gathered) {
  access::Released<std::vector<v1::ScreenOutputResponse>> all;
  absl::Status failure;
  {
    MutexLock lock(&gathered->mu);
    if (--gathered->open > 0) return;
    failure = std::move(gathered->failure);
    all.response = std::move(gathered->results);
    all.tickets = std::move(gathered->tickets);
  }
  if (failure.ok()) {
    gathered->done(std::move(all));
  } else {
    all.tickets.clear();
    gathered->done(std::move(failure));
  }
}

void TakeResult(
    Gathered* gathered, size_t i,
    absl::StatusOr<access::Released<v1::ScreenOutputResponse>> result) {
  {
    MutexLock lock(&gathered->mu);
    if (result.ok()) {
      gathered->results[i] = std::move(result->response);
      for (auto& ticket : result->tickets) {
        gathered->tickets.push_back(std::move(ticket));
      }
    } else {
      const v1::ErrorReason reason =
          ReasonOf(result.status()).value_or(v1::ERROR_REASON_INTERNAL);
      if (FailsAll(reason)) gathered->failure = result.status();
      gathered->results[i].set_error(reason);
      for (FieldViolation& fault : FieldViolationsOf(result.status())) {
        v1::FieldFault* told = gathered->results[i].add_faults();
        told->set_field(std::move(fault.field));
        told->set_description(std::move(fault.description));
      }
    }
  }
  Finish(gathered);
}

}  // namespace

void Screener::ScreenMany(
    const access::Caller& caller,
    std::vector<const v1::ScreenOutputRequest*> requests, const Check& check,
    access::Done<std::vector<v1::ScreenOutputResponse>> done) {
  auto gathered = std::make_shared<Gathered>();
  gathered->done = std::move(done);
  {
    MutexLock lock(&gathered->mu);
    gathered->open = requests.size() + 1;
    gathered->results.resize(requests.size());
  }
  auto run = [this, caller, requests, check, gathered] {
    for (size_t i = 0; i < requests.size(); ++i) {
      access::Caller one = caller;
      // Each names its own ticket and reason; the person is the call's.
      const std::string person = caller.context.acting_person();
      one.context = requests[i]->context();
      if (!person.empty()) one.context.set_acting_person(person);
      if (caller.context.signals().global_privacy_control()) {
        one.context.mutable_signals()->set_global_privacy_control(true);
      }
      if (const absl::Status status = check(*requests[i]); !status.ok()) {
        TakeResult(gathered.get(), i, status);
        continue;
      }
      Screen(one, *requests[i], [gathered, i](auto result) {
        TakeResult(gathered.get(), i, std::move(result));
      });
    }
    Finish(gathered.get());
  };
  if (!parts_.workers->TrySubmit(std::move(run))) {
    gathered->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                             "too much is waiting; try again"));
  }
}

}  // namespace consentry::screening
