#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/fairness_desk.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/audit_schedule.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

constexpr char kPutMethod[] = "ScreeningService.PutFairnessProfile";
constexpr size_t kMaxText = 256 << 10;
// Profiles that may be in force.
constexpr size_t kMaxProfiles = 256;
// Lines that tell what a proposal changes.
constexpr size_t kMaxChanges = 100;
constexpr size_t kMaxChangeBytes = 300;

// An output that both would watch.
bool Overlap(const config::v1::FairnessProfile& a,
             const config::v1::FairnessProfile& b) {
  if (a.model() != b.model()) return false;
  if (a.kinds().empty() || b.kinds().empty()) return true;
  return std::any_of(a.kinds().begin(), a.kinds().end(), [&b](int kind) {
    return std::find(b.kinds().begin(), b.kinds().end(), kind) !=
           b.kinds().end();
  });
}

bool SameOutputs(const config::v1::FairnessProfile& a,
                 const config::v1::FairnessProfile& b) {
  std::vector<int> of_a(a.kinds().begin(), a.kinds().end());
  std::vector<int> of_b(b.kinds().begin(), b.kinds().end());
  std::sort(of_a.begin(), of_a.end());
  std::sort(of_b.begin(), of_b.end());
  return a.model() == b.model() && of_a == of_b;
}

// Does as much as before, or more, about what is found, and looks for the same:
// what else a change does is not worked out.
bool LetsNothingMorePass(const config::v1::FairnessProfile& before,
                         config::v1::FairnessProfile now) {
  if (now.on_violation() < before.on_violation() ||
      now.on_alarm() < before.on_alarm()) {
    return false;
  }
  now.set_on_violation(before.on_violation());
  now.set_on_alarm(before.on_alarm());
  now.set_title(before.title());
  *now.mutable_traffic() = before.traffic();
  if (!before.has_traffic()) now.clear_traffic();
  return clients::CanonicalBytes(now) == clients::CanonicalBytes(before);
}

absl::Status Changed() {
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "the profile changed, or exists already");
}

std::string DigestOf(const std::string& text) {
  return "sha256:" + absl::BytesToHexString(clients::Sha256(text));
}

// Every field that is another, for whoever approves: "modified:
// metrics[0].tolerance: 0.8 -> 0.5".
std::vector<std::string> ChangesBetween(
    const config::v1::FairnessProfile& before,
    const config::v1::FairnessProfile& now, const std::string& text) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(before, now);
  std::vector<std::string> changes =
      absl::StrSplit(report, '\n', absl::SkipWhitespace());
  for (std::string& change : changes) {
    if (change.size() > kMaxChangeBytes) {
      change.resize(kMaxChangeBytes);
      change += "...";
    }
  }
  if (changes.size() > kMaxChanges) {
    const size_t more = changes.size() - kMaxChanges;
    changes.resize(kMaxChanges);
    changes.push_back(absl::StrCat("and ", more, " more"));
  }
  changes.push_back("the text is " + DigestOf(text));
  return changes;
}

std::optional<store::RequestBinding> Binding(
    const access::Caller& caller,
    const v1::PutFairnessProfileRequest& request) {
  v1::PutFairnessProfileRequest plain = request;
  plain.clear_request_id();
  return clients::BindRequest(caller, request.request_id(), plain);
}

store::ChangeCompletion Answering(FairnessDesk::ProfileDone done) {
  return [done = std::move(done)](store::ChangeOutcome outcome) mutable {
    v1::FairnessProfile shown;
    if (!outcome.status.ok()) {
      done(std::move(outcome.status));
    } else if (!shown.ParseFromString(outcome.result)) {
      done(MakeError(v1::ERROR_REASON_INTERNAL, "a result is broken"));
    } else {
      done(std::move(shown));
    }
  };
}

}  // namespace

FairnessDesk::FairnessDesk(Options options) : options_(std::move(options)) {
  if (options_.proposals == nullptr) return;
  options_.proposals->SetBuilder(
      kPutMethod, [this](const store::v1::StoredProposal& proposal) {
        return ApprovedEdit(proposal);
      });
}

absl::StatusOr<std::shared_ptr<ProfileInForce>> FairnessDesk::Prepare(
    const v1::PutFairnessProfileRequest& request) const {
  const auto configuration = options_.answers.configuration();
  const std::string& text = request.profile().text();
  if (text.empty() || text.size() > kMaxText) {
    absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                    "the profile has no text, or too much");
    AddFieldViolation(&status,
                      {"profile.text", "must have 1 to 262,144 bytes"});
    return status;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto file,
      policy::ParseText<config::v1::FairnessProfile>("profile", text));
  auto made = std::make_shared<ProfileInForce>();
  CONSENTRY_ASSIGN_OR_RETURN(
      made->profile, rules::Profile::Create(
                         std::move(file), &configuration->bundle().catalog()));
  made->text = text;
  const auto& message = made->profile->message();
  if (!request.profile().id().empty() &&
      request.profile().id() != made->profile->id()) {
    absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                    "the id is not that of the text");
    AddFieldViolation(&status, {"profile.id", "must be the text's own id"});
    return status;
  }
  if (options_.keep_days > 0 && message.audits().outcome_days() > 0 &&
      int64_t{message.audits().outcome_days()} >= options_.keep_days) {
    absl::Status status = MakeError(
        v1::ERROR_REASON_FIELD_INVALID,
        absl::StrCat("outputs are held for ", options_.keep_days,
                     " days, and are gone before their outcomes count"));
    AddFieldViolation(&status, {"profile.text",
                                "audits.outcome_days must be less than the "
                                "days for which outputs are held"});
    return status;
  }
  const int64_t after_alarm = int64_t{message.audits().alarm_days()} +
                              int64_t{message.audits().outcome_days()};
  if (options_.keep_days > 0 && message.audits().alarm_days() > 0 &&
      after_alarm > options_.keep_days) {
    absl::Status status = MakeError(
        v1::ERROR_REASON_FIELD_INVALID,
        absl::StrCat("outputs are held for ", options_.keep_days,
                     " days, and the first ones would be gone when the audit "
                     "after an alarm is made"));
    AddFieldViolation(&status, {"profile.text",
                                "audits.alarm_days and audits.outcome_days "
                                "together must be at most the days for which "
                                "outputs are held"});
    return status;
  }
  std::vector<std::string> fields;
  for (const auto& attribute : made->profile->attributes()) {
    fields.push_back(attribute.field);
  }
  for (const auto& factor : message.audits().legitimate_factors()) {
    fields.push_back(factor);
  }
  CONSENTRY_RETURN_IF_ERROR(
      access::MakeBiasPlan(configuration, message.purpose(), fields).status());
  return made;
}

absl::StatusOr<ProfileRow> FairnessDesk::RowFor(store::Connection* connection,
                                                const std::string& etag,
                                                bool may_let_pass,
                                                ProfileInForce* made) const {
  const auto& message = made->profile->message();
  CONSENTRY_ASSIGN_OR_RETURN(const auto stored,
                             options_.rows->Profiles(connection));
  ProfileRow row;
  std::shared_ptr<const ProfileInForce> before;
  const auto in_force = options_.watch->profiles();
  for (const ProfileRow& other : stored) {
    // What is in force may lag behind what is stored.
    const auto live = in_force.find(other.doc.id());
    std::shared_ptr<const ProfileInForce> profile;
    if (live != in_force.end() &&
        live->second->version == other.doc.version()) {
      profile = live->second;
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(
          profile, CompileProfile(other.doc.id(), other.doc.text(),
                                  other.doc.version()));
    }
    if (other.doc.id() == message.id()) {
      row = other;
      before = std::move(profile);
    } else if (Overlap(profile->profile->message(), message)) {
      return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                       "another profile watches outputs of this model");
    }
  }
  if (etag != (before == nullptr ? "" : before->etag())) return Changed();
  if (before != nullptr && !may_let_pass &&
      !LetsNothingMorePass(before->profile->message(), message)) {
    return Changed();
  }
  if (before == nullptr && stored.size() >= kMaxProfiles) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "too many fairness profiles are in force");
  }
  if (before != nullptr && !SameOutputs(before->profile->message(), message)) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto versions,
                               options_.rows->Versions(connection));
    if (std::any_of(versions.begin(), versions.end(),
                    [&message](const VersionRow& version) {
                      return version.doc.profile_id() == message.id();
                    })) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "versions were counted under this profile: its model "
                       "and its kinds of output stay");
    }
  }
  made->version = row.doc.version() + 1;
  return row;
}

absl::Status FairnessDesk::PutNow(store::Connection* connection,
                                  const std::string& etag, bool may_let_pass,
                                  const std::string& who, int64_t now_us,
                                  ProfileInForce* made) const {
  CONSENTRY_ASSIGN_OR_RETURN(ProfileRow row,
                             RowFor(connection, etag, may_let_pass, made));
  row.doc.set_id(made->profile->id());
  row.doc.set_version(made->version);
  row.doc.set_text(made->text);
  row.doc.set_time_us(now_us);
  if (row.generation == 0) row.doc.set_create_us(now_us);
  row.doc.set_put_by(who);
  return options_.rows->Put(connection, &row);
}

bool FairnessDesk::NeedsAnother(const access::Caller& caller) const {
  return options_.proposals != nullptr && options_.proposals->Needed(caller);
}

std::shared_ptr<const ProfileInForce> FairnessDesk::InForceToApprove(
    const access::Caller& caller, const v1::PutFairnessProfileRequest& request,
    const ProfileInForce& made) const {
  if (!NeedsAnother(caller)) return nullptr;
  const auto profiles = options_.watch->profiles();
  const auto now = profiles.find(made.profile->id());
  if (now == profiles.end() ||
      request.profile().etag() != now->second->etag() ||
      LetsNothingMorePass(now->second->profile->message(),
                          made.profile->message())) {
    return nullptr;
  }
  return now->second;
}

void FairnessDesk::Put(const access::Caller& caller,
                       const v1::PutFairnessProfileRequest& request,
                       ProfileDone done) const {
  if (request.validate_only()) {
    access::AnswerAudited<v1::FairnessProfile>(
        options_.answers, caller,
        [this, caller, request](
            access::AnswerEntry* entry) -> absl::StatusOr<v1::FairnessProfile> {
          CONSENTRY_ASSIGN_OR_RETURN(const auto made, Prepare(request));
          CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
          CONSENTRY_RETURN_IF_ERROR(RowFor(lease.get(),
                                           request.profile().etag(),
                                           /*may_let_pass=*/true, made.get())
                                        .status());
          entry->leaf.add_details(
              absl::StrCat("profile=", made->profile->id()));
          v1::FairnessProfile shown = Show(*made);
          if (InForceToApprove(caller, request, *made) != nullptr) {
            shown.add_remarks(
                "It lets more pass than the one in force, or may, and would "
                "wait for a second person.");
          }
          return shown;
        },
        [done = std::move(done)](auto answer) mutable {
          if (answer.ok()) {
            done(std::move(answer->response));
          } else {
            done(answer.status());
          }
        });
    return;
  }
  auto kept = std::make_shared<ProfileDone>(std::move(done));
  const bool taken = options_.answers.workers->TrySubmit(
      [this, caller, request, kept]() mutable {
        auto made = Prepare(request);
        if (!made.ok()) {
          (*kept)(made.status());
          return;
        }
        const auto now = InForceToApprove(caller, request, **made);
        if (now == nullptr) {
          PutAtOnce(caller, request, *std::move(made), std::move(*kept));
          return;
        }
        const auto check = [&]() -> absl::Status {
          CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
          return RowFor(lease.get(), request.profile().etag(),
                        /*may_let_pass=*/true, made->get())
              .status();
        };
        if (const absl::Status refused = check(); !refused.ok()) {
          (*kept)(refused);
        } else {
          Propose(caller, request, *now, **made, std::move(*kept));
        }
      });
  if (!taken) {
    (*kept)(
        MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE, "too much is waiting"));
  }
}

void FairnessDesk::PutAtOnce(const access::Caller& caller,
                             const v1::PutFairnessProfileRequest& request,
                             std::shared_ptr<ProfileInForce> made,
                             ProfileDone done) const {
  const bool alone = !NeedsAnother(caller);
  const auto configuration = options_.answers.configuration();
  store::Change change;
  // What takes long is done before the change.
  change.apply = [this, caller, made, alone, etag = request.profile().etag(),
                  shown = Show(*made), configuration](
                     store::ChangeContext& context) mutable -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(
        context.RequireConfiguration(configuration->epoch()));
    CONSENTRY_RETURN_IF_ERROR(PutNow(context.connection(), etag, alone,
                                     clients::RequesterOf(caller),
                                     context.now_us(), made.get()));
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration, caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("profile=", made->profile->id()));
    leaf.add_details(absl::StrCat("version=", made->version));
    leaf.add_details("text=" + DigestOf(made->text));
    context.SetEntry(leaf.SerializeAsString());
    shown.set_version(made->version);
    shown.set_etag(made->etag());
    if (made->version > 1 &&
        rules::MostDaysOfSpan(made->profile->message().audits().calendar()) >
            0) {
      shown.add_remarks(
          "A span of the calendar that runs is audited by the text that it was "
          "registered with; this text begins with the next span.");
    }
    context.SetResult(shown.SerializeAsString());
    context.OnStored([watch = options_.watch, made] {
      watch->SetProfile(std::make_shared<const ProfileInForce>(*made));
    });
    return absl::OkStatus();
  };
  change.request = Binding(caller, request);
  options_.answers.committer->CommitChange(std::move(change),
                                           Answering(std::move(done)));
}

void FairnessDesk::Propose(const access::Caller& caller,
                           const v1::PutFairnessProfileRequest& request,
                           const ProfileInForce& now,
                           const ProfileInForce& made, ProfileDone done) const {
  v1::PutFairnessProfileRequest plain = request;
  plain.clear_request_id();
  store::v1::StoredProposal proposal;
  proposal.set_method(kPutMethod);
  proposal.set_request(clients::CanonicalBytes(plain));
  proposal.set_target("fairness profile " + now.profile->id());
  for (const std::string& line : ChangesBetween(
           now.profile->message(), made.profile->message(), made.text)) {
    proposal.add_changes(line);
  }
  options_.proposals->Propose(
      caller, std::move(proposal), Binding(caller, request),
      [shown = Show(now)](const std::string& id) {
        v1::FairnessProfile waiting = shown;
        waiting.set_proposal_id(id);
        return waiting.SerializeAsString();
      },
      Answering(std::move(done)));
}

absl::StatusOr<clients::ConfigurationWriter::Edit> FairnessDesk::ApprovedEdit(
    const store::v1::StoredProposal& proposal) const {
  v1::PutFairnessProfileRequest kept;
  if (!kept.ParseFromString(proposal.request())) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a kept proposal does not parse");
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::shared_ptr<ProfileInForce> made,
                             Prepare(kept));
  return [this, made, etag = kept.profile().etag(),
          who = proposal.person().empty() ? proposal.client_id()
                                          : proposal.person()](
             store::Connection* writer, int64_t now_us,
             clients::ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(
        PutNow(writer, etag, /*may_let_pass=*/true, who, now_us, made.get()));
    draft->details.push_back(absl::StrCat("profile=", made->profile->id()));
    draft->details.push_back(absl::StrCat("version=", made->version));
    draft->details.push_back("text=" + DigestOf(made->text));
    draft->on_stored = [watch = options_.watch, made] {
      watch->SetProfile(std::make_shared<const ProfileInForce>(*made));
    };
    return absl::OkStatus();
  };
}

}  // namespace consentry::fairness
