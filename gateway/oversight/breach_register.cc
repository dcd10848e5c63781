#include "gateway/oversight/breach_register.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/system_seal.h"
#include "policy/engine/rights_tables.h"
#include "policy/rights/clock.h"
#include "policy/rights/holidays.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::oversight {
namespace {

using crypto::IdKind;

constexpr int kDefaultPage = 50;

crypto::SystemContext ContextOf(int64_t number, int64_t version) {
  return {.table = crypto::SystemTable::kBreach,
          .row = static_cast<uint64_t>(number),
          .field = {},
          .schema = 1,
          .row_generation = static_cast<uint32_t>(version)};
}

std::string EtagOf(int64_t version) { return absl::StrCat("v", version); }

absl::Status NotFound() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no breach has this id");
}

// What the gateway sets itself.
v1::Breach Stated(v1::Breach breach) {
  breach.clear_id();
  breach.clear_etag();
  breach.clear_version();
  breach.clear_clocks();
  breach.clear_authority_due_time();
  return breach;
}

v1::BreachClock ClockOf(const policy::Bundle& bundle, policy::RegimeId regime,
                        int64_t aware_us) {
  v1::BreachClock clock;
  clock.set_regime(bundle.regime(regime));
  const config::v1::BreachRule* rule =
      policy::BreachOf(bundle, regime, aware_us);
  if (rule == nullptr) return clock;
  const policy::Holidays& holidays = policy::Holidays::Shipped();
  const policy::Reckoning reckoning =
      policy::ReckoningFor(bundle, regime, aware_us);
  if (rule->has_authority()) {
    SetTime(policy::EndOf(rule->authority(), aware_us, reckoning, holidays),
            clock.mutable_authority_due_time());
  }
  if (rule->has_supplement()) {
    const int64_t end =
        rule->has_authority()
            ? policy::EndOf(rule->authority(), rule->supplement(), aware_us,
                            reckoning, holidays)
            : policy::EndOf(rule->supplement(), aware_us, reckoning, holidays);
    SetTime(end, clock.mutable_supplement_due_time());
  }
  clock.set_subjects(rule->subjects());
  clock.set_citation(rule->rule().citation());
  return clock;
}

}  // namespace

absl::Status BreachRegister::Check(const v1::Breach& breach) const {
  const auto configuration = options_.parts.configuration();
  for (const std::string& regime : breach.regimes()) {
    if (!configuration->bundle().FindRegime(regime)) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "breach.regimes: no pack in force has this id");
    }
  }
  const int64_t now_us = options_.parts.committer->NowUs();
  for (const auto& [present, time, name] :
       {std::tuple(true, &breach.aware_time(), "aware_time"),
        std::tuple(breach.has_authority_time(), &breach.authority_time(),
                   "authority_time"),
        std::tuple(breach.has_subjects_time(), &breach.subjects_time(),
                   "subjects_time")}) {
    if (!present || MicrosOf(*time) <= now_us) continue;
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     absl::StrCat("breach.", name, ": lies in the future"));
  }
  return absl::OkStatus();
}

v1::Breach BreachRegister::Shown(std::string id, int64_t version,
                                 v1::Breach breach) const {
  const auto configuration = options_.parts.configuration();
  const policy::Bundle& bundle = configuration->bundle();
  const int64_t aware_us = MicrosOf(breach.aware_time());
  breach.set_id(std::move(id));
  breach.set_version(static_cast<uint64_t>(version));
  breach.set_etag(EtagOf(version));
  if (breach.contact().empty()) breach.set_contact(options_.dpo_contact);
  if (breach.regimes().empty()) {
    for (const auto regime : policy::AttachedRegimes(bundle, {}, aware_us)) {
      breach.add_regimes(bundle.regime(regime));
    }
  }
  std::optional<int64_t> first;
  for (const std::string& name : breach.regimes()) {
    const auto regime = bundle.FindRegime(name);
    if (!regime) continue;
    v1::BreachClock clock = ClockOf(bundle, *regime, aware_us);
    if (clock.has_authority_due_time()) {
      const int64_t due = MicrosOf(clock.authority_due_time());
      first = std::min(first.value_or(due), due);
    }
    *breach.add_clocks() = std::move(clock);
  }
  if (first) SetTime(*first, breach.mutable_authority_due_time());
  return breach;
}

absl::StatusOr<v1::Breach> BreachRegister::Open(int64_t number, int64_t version,
                                                std::string_view id,
                                                std::string_view sealed) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto plain,
      crypto::SystemSeal::Open(*options_.epochs->keys(),
                               ContextOf(number, version), sealed));
  v1::Breach breach;
  if (!breach.ParseFromArray(plain.view().data(),
                             static_cast<int>(plain.view().size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "an entry of the register does not parse");
  }
  return Shown(std::string(id), version, std::move(breach));
}

absl::StatusOr<v1::Breach> BreachRegister::Find(const std::string& id) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare("SELECT breach_no, version, doc FROM breaches "
                     "WHERE breach_id = $1 ORDER BY version DESC LIMIT 1"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Bind(id).Step());
  if (!row) return NotFound();
  return Open(query.Int64(0), query.Int64(1), id, query.Blob(2));
}

absl::StatusOr<v1::ListBreachesResponse> BreachRegister::Page(
    const access::Caller& caller,
    const v1::ListBreachesRequest& request) const {
  const int64_t now_us = options_.parts.committer->NowUs();
  int64_t below = INT64_MAX;
  if (!request.page_token().empty()) {
    const auto position =
        options_.page_tokens->Open(clients::RequesterOf(caller), caller.method,
                                   request.page_token(), now_us);
    if (!position.ok() || !absl::SimpleAtoi(*position, &below)) {
      return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                       "the page token is not one of this question");
    }
  }
  const int limit =
      request.page_size() == 0 ? kDefaultPage : request.page_size();
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(
          "SELECT b.breach_no, b.version, b.breach_id, b.doc FROM breaches b "
          "WHERE b.breach_no < $1 AND b.version = (SELECT MAX(v.version) FROM "
          "breaches v WHERE v.breach_no = b.breach_no) "
          "ORDER BY b.breach_no DESC LIMIT $2"));
  query.Bind(below, static_cast<int64_t>(limit) + 1);
  v1::ListBreachesResponse page;
  int64_t last = 0;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    if (page.breaches_size() == limit) {
      CONSENTRY_ASSIGN_OR_RETURN(
          *page.mutable_next_page_token(),
          options_.page_tokens->Seal(clients::RequesterOf(caller),
                                     caller.method, absl::StrCat(last),
                                     now_us));
      break;
    }
    last = query.Int64(0);
    CONSENTRY_ASSIGN_OR_RETURN(
        *page.add_breaches(),
        Open(last, query.Int64(1), query.Blob(2), query.Blob(3)));
  }
  return page;
}

void BreachRegister::List(const access::Caller& caller,
                          const v1::ListBreachesRequest& request,
                          access::Done<v1::ListBreachesResponse> done) {
  access::AnswerAudited<v1::ListBreachesResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry*) {
        return Page(caller, request);
      },
      std::move(done));
}

absl::StatusOr<std::vector<std::string>> BreachRegister::DueLines(
    int64_t now_us) const {
  constexpr int64_t kNewest = 200;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(
          "SELECT b.breach_no, b.version, b.breach_id, b.doc FROM breaches b "
          "WHERE b.version = (SELECT MAX(v.version) FROM breaches v "
          "WHERE v.breach_no = b.breach_no) ORDER BY b.breach_no DESC "
          "LIMIT $1"));
  query.Bind(kNewest);
  std::vector<std::string> lines;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return lines;
    CONSENTRY_ASSIGN_OR_RETURN(
        const v1::Breach breach,
        Open(query.Int64(0), query.Int64(1), query.Blob(2), query.Blob(3)));
    if (!breach.not_told_because().empty()) continue;
    const auto add = [&](std::string_view what, const std::string& regime,
                         int64_t by_us) {
      lines.push_back(absl::StrCat(
          "breach_", std::string(what), ": ", breach.id(), " ", regime, " ",
          absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixMicros(by_us),
                           absl::UTCTimeZone())));
    };
    for (const v1::BreachClock& clock : breach.clocks()) {
      if (clock.has_authority_due_time() && !breach.has_authority_time()) {
        const int64_t by_us = MicrosOf(clock.authority_due_time());
        add(by_us < now_us ? "authority_late" : "authority_due", clock.regime(),
            by_us);
      }
      // Whether more was told, the register does not say.
      if (clock.has_supplement_due_time() &&
          MicrosOf(clock.supplement_due_time()) >= now_us) {
        add("supplement_due", clock.regime(),
            MicrosOf(clock.supplement_due_time()));
      }
    }
    if (!breach.has_subjects_time()) {
      lines.push_back("breach_customers_open: " + breach.id());
    }
  }
}

absl::StatusOr<std::string> BreachRegister::Write(
    store::ChangeContext& context, int64_t number, int64_t version,
    const std::string& id, const v1::Breach& breach) const {
  const std::string bytes = clients::CanonicalBytes(breach);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(*options_.epochs->keys(),
                               ContextOf(number, version), bytes));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto insert,
      context.connection()->Prepare("INSERT INTO breaches (breach_no, version, "
                                    "breach_id, doc) VALUES ($1, $2, $3, $4)"));
  CONSENTRY_RETURN_IF_ERROR(insert.Bind(number, version, id, sealed).Run());
  return absl::BytesToHexString(clients::Sha256(bytes));
}

void BreachRegister::Commit(store::Change change, Done done) const {
  options_.parts.committer->CommitChange(
      std::move(change),
      [this, done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        // Read back on a worker: this thread must not wait for a reader. A
        // refused task is kept, and answered.
        auto kept = std::make_shared<Done>(std::move(done));
        if (!options_.parts.workers->TrySubmit(
                [this, kept, id = outcome.result] { (*kept)(Find(id)); })) {
          (*kept)(MakeError(v1::ERROR_REASON_UNKNOWN_OUTCOME,
                            "too much is waiting; repeat the call"));
        }
      });
}

void BreachRegister::Create(const access::Caller& caller,
                            const v1::CreateBreachRequest& request, Done done) {
  if (absl::Status status = Check(request.breach()); !status.ok()) {
    done(std::move(status));
    return;
  }
  v1::CreateBreachRequest unbound = request;
  unbound.clear_request_id();
  store::Change change;
  change.request = clients::BindRequest(caller, request.request_id(), unbound);
  change.apply = [this, caller, breach = Stated(request.breach())](
                     store::ChangeContext& context) -> absl::Status {
    const std::string id = crypto::NewId(IdKind::kBreach);
    int64_t number = 0;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto newest,
          context.connection()->Prepare(
              "SELECT COALESCE(MAX(breach_no), 0) + 1 FROM breaches"));
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, newest.Step());
      number = row ? newest.Int64(0) : 1;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const std::string digest,
                               Write(context, number, 1, id, breach));
    store::v1::Leaf leaf = clients::LeafOf(*options_.parts.configuration(),
                                           caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("breach=" + id);
    leaf.add_details("version=1");
    leaf.add_details("digest=" + digest);
    context.SetEntry(clients::CanonicalBytes(leaf));
    context.SetResult(id);
    return absl::OkStatus();
  };
  Commit(std::move(change), std::move(done));
}

void BreachRegister::Update(const access::Caller& caller,
                            const v1::UpdateBreachRequest& request, Done done) {
  if (absl::Status status = Check(request.breach()); !status.ok()) {
    done(std::move(status));
    return;
  }
  v1::UpdateBreachRequest unbound = request;
  unbound.clear_request_id();
  store::Change change;
  change.request = clients::BindRequest(caller, request.request_id(), unbound);
  change.apply = [this, caller, id = request.breach().id(),
                  etag = request.breach().etag(),
                  breach = Stated(request.breach())](
                     store::ChangeContext& context) -> absl::Status {
    int64_t number = 0;
    int64_t version = 0;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, context.connection()->Prepare(
                          "SELECT breach_no, MAX(version) FROM breaches "
                          "WHERE breach_id = $1 GROUP BY breach_no"));
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Bind(id).Step());
      if (!row) return NotFound();
      number = query.Int64(0);
      version = query.Int64(1);
    }
    if (etag != EtagOf(version)) {
      return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                       "the entry was changed meanwhile; read it again");
    }
    ++version;
    CONSENTRY_ASSIGN_OR_RETURN(const std::string digest,
                               Write(context, number, version, id, breach));
    store::v1::Leaf leaf = clients::LeafOf(*options_.parts.configuration(),
                                           caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("breach=" + id);
    leaf.add_details(absl::StrCat("version=", version));
    leaf.add_details("digest=" + digest);
    context.SetEntry(clients::CanonicalBytes(leaf));
    context.SetResult(id);
    return absl::OkStatus();
  };
  Commit(std::move(change), std::move(done));
}

}  // namespace consentry::oversight
