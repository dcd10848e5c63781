#include "gateway/access/select.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "gateway/access/read_plan.h"
#include "proto/support/error.h"

namespace consentry::access {
namespace {

constexpr int32_t kDefaultPageSize = 50;
constexpr int32_t kMaxPageSize = 256;
constexpr int kMaxFilters = 8;

// -1, 0, 1; nullopt for values that have no order with one another.
std::optional<int> Compare(const v1::Value& a, const v1::Value& b) {
  if (a.kind_case() != b.kind_case()) return std::nullopt;
  const auto order = [](const auto& x, const auto& y) {
    return x < y ? -1 : y < x ? 1 : 0;
  };
  switch (a.kind_case()) {
    case v1::Value::kIntValue:
      return order(a.int_value(), b.int_value());
    case v1::Value::kDoubleValue:
      if (std::isnan(a.double_value()) || std::isnan(b.double_value())) {
        return std::nullopt;
      }
      return order(a.double_value(), b.double_value());
    case v1::Value::kDateValue:
      return order(a.date_value(), b.date_value());
    case v1::Value::kTimeValue:
      return order(std::pair(a.time_value().seconds(), a.time_value().nanos()),
                   std::pair(b.time_value().seconds(), b.time_value().nanos()));
    case v1::Value::kMoneyValue:
      if (a.money_value().currency() != b.money_value().currency()) {
        return std::nullopt;
      }
      return order(a.money_value().minor_units(),
                   b.money_value().minor_units());
    default:
      return std::nullopt;
  }
}

bool InRange(const v1::Value& value, const v1::ValueRange& range) {
  if (range.has_from()) {
    const auto order = Compare(value, range.from());
    if (!order || *order < 0) return false;
  }
  if (range.has_to()) {
    const auto order = Compare(value, range.to());
    if (!order || *order > 0) return false;
  }
  return true;
}

bool Passes(const v1::FieldFilter& filter, const v1::Value* value) {
  switch (filter.test_case()) {
    case v1::FieldFilter::kEquals:
      return value != nullptr &&
             value->SerializeAsString() == filter.equals().SerializeAsString();
    case v1::FieldFilter::kRange:
      return value != nullptr && InRange(*value, filter.range());
    case v1::FieldFilter::kPresent:
      return (value != nullptr) == filter.present();
    default:
      return false;
  }
}

bool PassesOne(const v1::FieldFilter& filter,
               const v1::ReadSubjectResponse& response) {
  bool held = false;
  for (const v1::Field& field : response.fields()) {
    if (field.name() != filter.field()) continue;
    held = true;
    if (Passes(filter, &field.value())) return true;
  }
  for (const v1::Record& record : response.records()) {
    for (const v1::Field& field : record.fields()) {
      if (field.name() != filter.field()) continue;
      held = true;
      if (Passes(filter, &field.value())) return true;
    }
  }
  return !held && Passes(filter, nullptr);
}

absl::Status CheckFilters(const ReadPlan& plan,
                          const v1::SelectSubjectsRequest& request) {
  if (request.filters_size() > kMaxFilters) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID, "at most 8 filters");
  }
  for (const v1::FieldFilter& filter : request.filters()) {
    const auto field = plan.bundle().FindField(filter.field());
    const bool asked =
        field && std::find(plan.fields.begin(), plan.fields.end(), *field) !=
                     plan.fields.end();
    if (!asked || filter.test_case() == v1::FieldFilter::TEST_NOT_SET) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "a filter needs a test, on a field that is asked for");
    }
    if (!plan.bundle().field(*field).filterable()) {
      return MakeError(v1::ERROR_REASON_FIELD_NOT_ALLOWED,
                       "the catalog does not allow a filter on this field");
    }
  }
  return absl::OkStatus();
}

// What a page token is bound to: the question without the place in it.
std::string QueryHash(const v1::SelectSubjectsRequest& request) {
  v1::SelectSubjectsRequest question = request;
  question.clear_page_token();
  question.clear_page_size();
  question.clear_context();
  const std::string bytes = question.SerializeAsString();
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  return hash;
}

}  // namespace

bool PassesFilters(
    const google::protobuf::RepeatedPtrField<v1::FieldFilter>& filters,
    const v1::ReadSubjectResponse& response) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const v1::FieldFilter& filter) {
                       return PassesOne(filter, response);
                     });
}

struct Selection::Walk {
  Caller caller;
  v1::SelectSubjectsRequest request;
  Done<v1::SelectSubjectsResponse> done;
  size_t page_size = 0;
  std::string query_hash;
  // Subjects up to this number were looked at.
  uint64_t cursor = 0;
  size_t walked = 0;
  Released<v1::SelectSubjectsResponse> page;
};

void Selection::Run(Caller caller, const v1::SelectSubjectsRequest& request,
                    Done<v1::SelectSubjectsResponse> done) {
  auto walk = std::make_shared<Walk>();
  walk->caller = std::move(caller);
  walk->request = request;
  walk->done = std::move(done);
  if (request.page_size() < 0) {
    walk->done(
        MakeError(v1::ERROR_REASON_FIELD_INVALID, "page_size is negative"));
    return;
  }
  walk->page_size = static_cast<size_t>(
      request.page_size() == 0 ? kDefaultPageSize
                               : std::min(request.page_size(), kMaxPageSize));
  walk->query_hash = QueryHash(request);
  const int64_t now_us = options_.committer->NowUs();
  if (!request.page_token().empty()) {
    const auto position = options_.page_tokens->Open(
        walk->caller.client_id, walk->query_hash, request.page_token(), now_us);
    const bool valid =
        position.ok() &&
        std::from_chars(position->data(), position->data() + position->size(),
                        walk->cursor)
                .ec == std::errc();
    if (!valid) {
      walk->done(MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                           "the page token is not one of this query"));
      return;
    }
  }
  // A refusal of the plan gets its entry by the first chunk.
  const auto plan = MakeReadPlan(options_.configuration(), walk->caller,
                                 GovernedReads::QuestionOf(request), now_us);
  if (plan.ok()) {
    if (absl::Status fault = CheckFilters(*plan, request); !fault.ok()) {
      walk->done(std::move(fault));
      return;
    }
  }
  if (!options_.workers->TrySubmit([this, walk] { Step(walk); })) {
    walk->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                         "too many large reads are waiting"));
  }
}

void Selection::Step(const std::shared_ptr<Walk>& walk) {
  const size_t room =
      walk->page_size - static_cast<size_t>(walk->page.response.results_size());
  const size_t count =
      walk->request.filters().empty() ? std::min(room, kMaxChunk) : kMaxChunk;
  std::vector<uint64_t> subjects;
  {
    auto lease = options_.readers->Acquire();
    if (!lease.ok()) {
      walk->done(lease.status());
      return;
    }
    auto next =
        options_.subjects->SubjectsAfter(lease->get(), walk->cursor, count);
    if (!next.ok()) {
      walk->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                           "the store could not be read"));
      return;
    }
    subjects = *std::move(next);
  }
  if (subjects.empty() && walk->walked > 0) {
    Finish(walk, /*more=*/false);
    return;
  }
  // With no subject at all the question is still decided on the caller's side,
  // so that a refusal is told and logged.
  const uint64_t last = subjects.empty() ? walk->cursor : subjects.back();
  walk->walked += std::max<size_t>(subjects.size(), 1);
  auto kept = std::make_shared<size_t>(0);
  auto keep = [walk, kept, room](const v1::ReadSubjectResponse& response) {
    if (*kept >= room || response.decision().effect() != v1::EFFECT_PERMIT ||
        !PassesFilters(walk->request.filters(), response)) {
      return false;
    }
    ++*kept;
    return true;
  };
  auto reset = [kept] { *kept = 0; };
  reads_->ReadNumbers(
      walk->caller, GovernedReads::QuestionOf(walk->request), subjects,
      walk->request.want_pseudonym(), std::move(reset), std::move(keep),
      [this, walk, subjects, last, room](auto result) mutable {
        if (!result.ok()) {
          walk->done(result.status());
          return;
        }
        size_t taken = 0;
        walk->cursor = last;
        for (size_t i = 0; i < result->response.size(); ++i) {
          v1::ReadSubjectResponse& response = result->response[i];
          if (response.decision().effect() != v1::EFFECT_PERMIT) continue;
          *walk->page.response.add_results() = std::move(response);
          if (++taken == room) {
            walk->cursor = subjects[i];
            break;
          }
        }
        // A step that released nothing holds nothing back: a withdrawal need
        // not wait for the rest of the walk.
        if (taken > 0) {
          for (auto& ticket : result->tickets) {
            walk->page.tickets.push_back(std::move(ticket));
          }
        }
        const bool full = taken == room;
        const bool end = subjects.empty();
        if (full || end || walk->walked >= kMaxWalked || taken > 0) {
          Finish(walk, /*more=*/!end);
          return;
        }
        if (!options_.workers->TrySubmit([this, walk] { Step(walk); })) {
          Finish(walk, /*more=*/true);
        }
      });
}

void Selection::Finish(const std::shared_ptr<Walk>& walk, bool more) {
  if (more) {
    auto token = options_.page_tokens->Seal(
        walk->caller.client_id, walk->query_hash, std::to_string(walk->cursor),
        options_.committer->NowUs());
    if (!token.ok()) {
      walk->done(token.status());
      return;
    }
    walk->page.response.set_next_page_token(*std::move(token));
  }
  walk->done(std::move(walk->page));
}

}  // namespace consentry::access
