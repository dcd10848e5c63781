#include "gateway/screening/screener.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/access/chunk.h"
#include "gateway/access/output_decision.h"
#include "gateway/clients/caller_context.h"
#include "gateway/screening/inferences.h"
#include "gateway/screening/pressure_words.h"
#include "gateway/screening/recheck.h"
#include "gateway/screening/screening_words.h"
#include "gateway/screening/shown_prices.h"
#include "gateway/screening/significance.h"
#include "gateway/screening/verdict.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

// Attempts at one output before it answers CONTENDED.
constexpr int kMaxAttempts = 4;
constexpr uint32_t kDefaultReleaseHours = 24;
constexpr int64_t kUsPerSecond = 1'000'000;
// How far ahead an output may be judged.
constexpr int64_t kMaxAheadUs = 7 * kUsPerDay;

bool IsStale(const absl::Status& status) {
  return ReasonOf(status) == v1::ERROR_REASON_ETAG_MISMATCH;
}

absl::Status TooFarAhead() {
  absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                  "an output is judged seven days ahead");
  AddFieldViolation(&status,
                    {"output.deliver_time", "must be within seven days"});
  return status;
}

absl::Status Changed() {
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "what the output was decided on changed");
}

std::vector<uint64_t> SubjectsOf(const access::Snapshot& snapshot) {
  std::vector<uint64_t> subjects;
  for (const auto& member : snapshot.members) {
    subjects.push_back(member->subject());
  }
  return subjects;
}

// Amounts for which this customer was counted for the item today, where she is.
absl::StatusOr<std::vector<int64_t>> OwnPrices(const ScreeningParts& parts,
                                               store::Connection* connection,
                                               const access::Snapshot& snapshot,
                                               const v1::Output& output,
                                               int64_t now_us) {
  std::vector<int64_t> own;
  if (!output.has_price() || output.item().empty()) return own;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto counted,
      ShownPrices(parts.rows, parts.items)
          .Counted(connection, SubjectsOf(snapshot), output.item(), now_us));
  const std::string place = PlaceOf(snapshot);
  for (const store::v1::CountedPrice& one : counted) {
    if (one.place() == place && one.currency() == output.price().currency()) {
      own.push_back(one.minor_units());
    }
  }
  return own;
}

// One in so many, by a keyed hash that nobody outside can foresee.
bool IsDrawn(std::string_view output_key, uint32_t per_10000) {
  uint32_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) {
    number = number << 8 | static_cast<unsigned char>(output_key[i]);
  }
  return number % 10'000 < per_10000;
}

// A human let it pass, and nothing was charged for it yet. Of what took its
// place its engine is told nothing more.
bool IsChargeDue(const store::v1::ScreeningDoc& doc) {
  return doc.verdict() == v1::VERDICT_RELEASED && doc.charge_due() &&
         doc.alteration().empty();
}

}  // namespace

int64_t ReleaseSpanUs(const config::v1::Screening& settings) {
  const int64_t hours = settings.release_hours() == 0
                            ? kDefaultReleaseHours
                            : settings.release_hours();
  return hours * kUsPerHour;
}

bool IsHighRisk(const config::v1::Screening& settings, const std::string& model,
                const std::string& version) {
  return std::any_of(
      settings.high_risk_models().begin(), settings.high_risk_models().end(),
      [&](const std::string& named) {
        return named == model || named == absl::StrCat(model, "@", version);
      });
}

// One output on its way. Used by one thread at a time: the caller's or a
// worker's up to the commit, the committer's in and after it.
struct Screener::Job {
  access::Caller caller;
  const v1::ScreenOutputRequest* request = nullptr;
  access::SubjectName name;
  access::Done<v1::ScreenOutputResponse> done;
  int attempts = 0;
  bool charged = false;
  bool scanned = false;

  // Of the attempt.
  int64_t as_of_change = 0;
  int64_t now_us = 0;
  access::OutputPlan plan;
  access::OutputDecision decision;
  ConductCheck::Evidence evidence;
  conduct::Judgement judgement;
  std::optional<FairnessGate::Answer> fairness;
  FairnessGate::Unit counted;
  Significance significance;
  Outcome outcome;
  store::v1::Leaf leaf;
  // What was screened under this id before.
  std::optional<ScreeningRow> earlier;
  // Of the output itself; its note may end before.
  int64_t release_until_us = 0;
  ReleaseTerms terms;
  std::string sealed_output;
  crypto::ObjectId id{};

  // What was committed.
  ScreeningRow row;
  v1::Release release;

  const v1::Output& output() const { return request->output(); }
  const crypto::SubjectKeys* keys() const {
    return decision.known() ? &decision.snapshot.members[0]->keys() : nullptr;
  }
  int64_t deliver_us() const {
    return output().has_deliver_time()
               ? std::max(now_us, MicrosOf(output().deliver_time()))
               : now_us;
  }
  Outcome Weigh() const {
    Steps steps;
    steps.treatment = &decision;
    steps.conduct = &judgement;
    steps.fairness = fairness;
    steps.significance = significance;
    return VerdictOf(plan, steps);
  }
};

void Screener::Screen(const access::Caller& caller,
                      const v1::ScreenOutputRequest& request,
                      access::Done<v1::ScreenOutputResponse> done) {
  auto job = std::make_shared<Job>();
  job->caller = caller;
  job->request = &request;
  job->done = std::move(done);
  auto name = access::NameOf(*parts_.subjects, *parts_.tokens, caller,
                             request.subject());
  if (!name.ok()) {
    Refuse(job, name.status());
    return;
  }
  job->name = *std::move(name);
  Attempt(job);
}

void Screener::Attempt(const std::shared_ptr<Job>& job) {
  ++job->attempts;
  if (const absl::Status status = Decide(job.get()); !status.ok()) {
    Refuse(job, status);
    return;
  }
  if (job->earlier.has_value() && !job->request->validate_only()) {
    if (!IsChargeDue(job->earlier->doc)) {
      AnswerRepeated(job);
      return;
    }
    // It may wait for a change, which the calling thread must not.
    const bool submitted =
        parts_.workers->TrySubmit([this, job] { AnswerRepeated(job); });
    if (!submitted) {
      job->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                          "too much is waiting; try again"));
    }
  } else if (job->request->validate_only()) {
    CommitOnly(job);
  } else {
    CommitRow(job);
  }
}

void Screener::Again(const std::shared_ptr<Job>& job) {
  if (job->attempts >= kMaxAttempts) {
    job->done(MakeError(v1::ERROR_REASON_CONTENDED,
                        "what the output was decided on kept changing"));
    return;
  }
  // Not here: this may be the committer's own thread.
  if (!parts_.workers->TrySubmit([this, job] { Attempt(job); })) {
    job->done(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                        "too much is waiting; try again"));
  }
}

void Screener::Refuse(const std::shared_ptr<Job>& job, absl::Status status) {
  parts_.refusals->Record(
      *parts_.configuration(), job->caller, job->request->purpose(),
      std::move(status),
      [job](absl::Status told) { job->done(std::move(told)); });
}

absl::Status Screener::Decide(Job* job) {
  const v1::ScreenOutputRequest& request = *job->request;
  const v1::Output& output = request.output();
  // In this order: whatever changes after is found when it is committed.
  job->as_of_change = parts_.committer->LastStored();
  auto configuration = parts_.configuration();
  job->now_us = parts_.committer->NowUs();
  access::OutputQuestion question;
  question.purpose = request.purpose();
  question.channel = request.channel();
  question.input_categories = {output.input_categories().begin(),
                               output.input_categories().end()};
  CONSENTRY_ASSIGN_OR_RETURN(
      job->plan, access::MakeOutputPlan(std::move(configuration), job->caller,
                                        question, job->now_us));
  if (job->deliver_us() > job->now_us + kMaxAheadUs) return TooFarAhead();
  if (!job->scanned) {
    job->evidence.scan = parts_.conduct->Scan(output);
    job->scanned = true;
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
  vault::SubjectReader::HeadOptions options;
  options.as_of_change = job->as_of_change;
  options.past_cache = job->attempts > 1;
  CONSENTRY_ASSIGN_OR_RETURN(
      access::Snapshot snapshot,
      access::TakeSnapshot(*parts_.subjects, lease.get(), job->plan.plan,
                           job->name, options));
  if (!job->charged) {
    CONSENTRY_RETURN_IF_ERROR(access::ChargeBudget(
        job->plan.plan, job->name, snapshot, parts_.clock->MonotonicUs()));
    job->charged = true;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      job->earlier, parts_.rows->FindByOutput(
                        lease.get(), parts_.rows->keys().Output(
                                         job->caller.client_id, output.id())));
  CONSENTRY_ASSIGN_OR_RETURN(
      job->decision,
      access::DecideOutput(
          job->plan, job->caller, std::move(snapshot), job->now_us,
          job->earlier.has_value() && job->earlier->doc.reviewed()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto own, OwnPrices(parts_, lease.get(), job->decision.snapshot,
                                output, job->now_us));
  CONSENTRY_RETURN_IF_ERROR(
      parts_.conduct->Gather(lease.get(), job->plan, job->decision, output, own,
                             job->now_us, &job->evidence));
  job->counted.reset();
  if (parts_.fairness != nullptr && !request.validate_only() &&
      !job->earlier.has_value()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        job->counted,
        parts_.fairness->Weigh(lease.get(), output, request.channel(),
                               job->decision.snapshot, job->now_us, options));
  }
  lease.GiveBack();
  job->judgement = parts_.conduct->Judge(job->evidence);
  job->fairness.reset();
  if (parts_.fairness != nullptr) {
    job->fairness =
        parts_.fairness->Ask(output, job->decision.snapshot, job->now_us);
  }
  job->significance = SignificanceOf(job->decision, /*reviewed=*/false);
  job->outcome = job->Weigh();
  job->leaf = access::OutputLeaf(job->plan, job->caller, job->decision,
                                 job->now_us, parts_.log_origin);
  if (!job->decision.permitted) {
    job->leaf.mutable_subjects(0)->set_effect(v1::EFFECT_DENY);
    job->leaf.mutable_subjects(0)->set_reason(job->decision.reason);
  }
  return absl::OkStatus();
}

void Screener::CommitOnly(const std::shared_ptr<Job>& job) {
  store::v1::Leaf leaf = job->leaf;
  leaf.set_released_nothing(true);
  TellVerdict(job->outcome, &leaf);
  store::v1::ScreeningDoc doc;
  doc.set_obligations(job->decision.decision.obligations);
  KeepVerdict(job->outcome, job->judgement, &doc);
  CommitAnswer(job, leaf, AnswerOf(doc));
}

void Screener::CommitAnswer(const std::shared_ptr<Job>& job,
                            const store::v1::Leaf& leaf,
                            v1::ScreenOutputResponse answer) {
  store::ReadCommit commit;
  commit.entry = leaf.SerializeAsString();
  commit.subjects = job->decision.versions();
  commit.as_of_change = job->as_of_change;
  commit.configuration_epoch = job->plan.plan.configuration->epoch();
  commit.decided_at_us = job->now_us;
  commit.decided_until_us = job->decision.decision.decided_until_us;
  parts_.committer->CommitRead(
      std::move(commit), [this, job, answer = std::move(answer)](
                             store::ReadOutcome outcome) mutable {
        switch (outcome.kind) {
          case store::ReadOutcome::Kind::kFailed:
            job->done(std::move(outcome.status));
            return;
          case store::ReadOutcome::Kind::kStale:
            Again(job);
            return;
          case store::ReadOutcome::Kind::kCommitted:
            break;
        }
        answer.set_audit_reference(parts_.tokens->Encode(
            crypto::TokenKind::kAudit,
            crypto::LogPosition{outcome.log_index, 0}.Pack()));
        access::Released<v1::ScreenOutputResponse> released;
        released.response = std::move(answer);
        released.tickets.push_back(std::move(outcome.ticket));
        job->done(std::move(released));
      });
}

absl::Status Screener::PrepareRelease(Job* job) const {
  if (!job->decision.known()) return absl::OkStatus();
  job->terms.digest = OutputDigest(job->output());
  job->terms.pseudonym = parts_.tokens->Encode(
      crypto::TokenKind::kPseudonym,
      job->decision.snapshot.members[0]->subject(), job->caller.client_id);
  job->terms.channel = job->request->channel();
  job->release_until_us =
      std::min(job->deliver_us() + ReleaseSpanUs(parts_.settings),
               job->decision.decision.decided_until_us);
  // Whoever delivers it by the note alone does not look at the clock again.
  job->terms.expire_s =
      std::min(job->release_until_us,
               job->judgement.quiet_from_us.value_or(INT64_MAX)) /
      kUsPerSecond;
  job->release.Clear();
  if (job->outcome.verdict != v1::VERDICT_RELEASED) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(job->release,
                             SignRelease(*parts_.signer, job->terms));
  return absl::OkStatus();
}

void Screener::CommitRow(const std::shared_ptr<Job>& job) {
  const v1::Output& output = job->output();
  job->id = crypto::NewObjectId();
  store::v1::ScreenedOutput words;
  // Of somebody whom nobody knows nothing is kept that an erasure could not
  // find again.
  if (job->decision.known()) words.set_output(output.SerializeAsString());
  auto sealed = parts_.rows->SealOutput(job->keys(), job->id, 1, words);
  absl::Status status = sealed.status();
  if (status.ok()) {
    job->sealed_output = *std::move(sealed);
    status = PrepareRelease(job.get());
  }
  if (!status.ok()) {
    Refuse(job, status);
    return;
  }
  store::Change change;
  change.apply = [this, job](store::ChangeContext& context) {
    return Apply(context, job.get());
  };
  parts_.committer->CommitChange(
      std::move(change), [this, job](store::ChangeOutcome outcome) {
        if (IsStale(outcome.status)) {
          Again(job);
          return;
        }
        if (!outcome.status.ok()) {
          job->done(std::move(outcome.status));
          return;
        }
        access::Released<v1::ScreenOutputResponse> released;
        released.response = AnswerOf(job->row.doc);
        released.response.set_audit_reference(parts_.tokens->Encode(
            crypto::TokenKind::kAudit,
            crypto::LogPosition{outcome.log_index, 0}.Pack()));
        if (job->row.doc.verdict() == v1::VERDICT_RELEASED) {
          *released.response.mutable_release() = std::move(job->release);
          if (outcome.ticket != nullptr) {
            released.tickets.push_back(std::move(*outcome.ticket));
          }
          if (parts_.on_inference) parts_.on_inference();
        }
        job->done(std::move(released));
      });
}

// On the committer's store thread, perhaps more than once: what it changes of
// the job is set anew each time.
absl::Status Screener::Apply(store::ChangeContext& context, Job* job) const {
  store::Connection* const connection = context.connection();
  const v1::Output& output = job->output();
  for (const store::SubjectVersion& seen : job->decision.versions()) {
    if (seen.subject == 0) continue;
    CONSENTRY_RETURN_IF_ERROR(
        context.RequireVersion(seen.subject, seen.version));
  }
  CONSENTRY_RETURN_IF_ERROR(
      context.RequireConfiguration(job->plan.plan.configuration->epoch()));
  if (context.now_us() >= job->decision.decision.decided_until_us) {
    return Changed();
  }
  const std::string output_key =
      parts_.rows->keys().Output(job->caller.client_id, output.id());
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT 1 FROM screenings WHERE output_key = $1"));
    query.Bind(output_key);
    CONSENTRY_ASSIGN_OR_RETURN(const bool used, query.Step());
    if (used) return Changed();
  }
  // Others may have spent of the same budget since.
  CONSENTRY_ASSIGN_OR_RETURN(
      const bool current,
      PressureRows::IsCurrent(connection, job->decision.snapshot.members,
                              job->evidence.pressure));
  if (!current) {
    CONSENTRY_ASSIGN_OR_RETURN(
        job->evidence.pressure,
        PressureRows::Read(connection, job->decision.snapshot.members));
    job->evidence.question.subject.contacts = job->evidence.pressure.history;
    job->judgement = parts_.conduct->Judge(job->evidence);
    job->outcome = job->Weigh();
    if (job->outcome.verdict == v1::VERDICT_RELEASED &&
        job->release.note().empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(job->release,
                                 SignRelease(*parts_.signer, job->terms));
    }
  }
  ScreeningRow& row = job->row;
  row = {};
  row.no = context.number();
  row.id = job->id;
  row.output_key = output_key;
  row.subject =
      job->decision.known() ? job->decision.snapshot.members[0]->subject() : 0;
  row.request_hash = parts_.rows->keys().Request(row.subject, *job->request);
  row.output = job->sealed_output;
  store::v1::ScreeningDoc& doc = row.doc;
  doc.set_id(crypto::FormatId(crypto::IdKind::kScreening, row.id));
  doc.set_client_id(job->caller.client_id);
  doc.set_client_version(job->leaf.client_version());
  doc.set_purpose(job->request->purpose());
  doc.set_channel(job->request->channel());
  doc.set_kind(output.kind());
  doc.set_output_id(output.id());
  doc.set_model(output.model());
  doc.set_model_version(output.model_version());
  doc.set_experiment(output.experiment());
  doc.set_variant(output.variant());
  doc.set_item(output.item());
  *doc.mutable_input_categories() = output.input_categories();
  doc.set_reason(job->decision.reason);
  doc.set_time_us(context.now_us());
  doc.set_subject_version(job->decision.versions()[0].version);
  doc.set_config_epoch(job->plan.plan.configuration->epoch());
  doc.set_deliver_us(job->deliver_us());
  doc.set_obligations(job->decision.decision.obligations);
  if (output.has_price()) {
    doc.set_has_price(true);
    doc.set_price_minor(output.price().minor_units());
    doc.set_currency(output.price().currency());
    doc.set_place(job->evidence.place);
  }
  KeepVerdict(job->outcome, job->judgement, &doc);
  if (job->judgement.charge) {
    *doc.mutable_charge() = StoredContact(*job->judgement.charge);
  }
  store::v1::Leaf leaf = job->leaf;
  leaf.set_time_us(context.now_us());
  leaf.set_change_number(static_cast<uint64_t>(context.number()));
  leaf.add_details("screening=" + doc.id());
  TellVerdict(job->outcome, &leaf);
  if (job->outcome.verdict == v1::VERDICT_HELD && parts_.reviews != nullptr) {
    review::NewReview held;
    held.target = doc.id();
    held.subject = row.subject;
    held.trigger = job->outcome.trigger;
    held.rules = job->outcome.rules;
    held.model = absl::StrCat(output.model(), "@", output.model_version());
    held.made_for = job->caller.context.acting_person();
    held.high_risk =
        IsHighRisk(parts_.settings, output.model(), output.model_version());
    CONSENTRY_ASSIGN_OR_RETURN(const review::QueuedReview queued,
                               parts_.reviews->Enqueue(context, held));
    doc.set_review_id(queued.id);
    doc.set_due_us(queued.due_us);
  }
  if (job->outcome.verdict == v1::VERDICT_RELEASED) {
    CONSENTRY_RETURN_IF_ERROR(ApplyRelease(context, job));
    // A restore counts it again.
    if (job->judgement.charge) {
      leaf.add_details(ChargeDetail(0, *job->judgement.charge));
    }
  }
  if (!doc.review_id().empty()) {
    leaf.add_details("review=" + doc.review_id());
  }
  if (job->counted != nullptr) {
    CONSENTRY_RETURN_IF_ERROR(
        parts_.fairness->Count(context, job->counted, &leaf));
  }
  CONSENTRY_RETURN_IF_ERROR(parts_.rows->Insert(connection, job->keys(), row));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto joined,
      parts_.outcomes->Join(connection, output_key, row.no, job->keys()));
  for (const store::v1::OutcomeDoc& early : joined) {
    if (early.kind() != v1::OUTCOME_KIND_COMPLAINED || job->keys() == nullptr) {
      continue;
    }
    conduct::Refusal refusal;
    refusal.time_us = early.time_us();
    refusal.purpose = doc.purpose();
    refusal.channel = static_cast<policy::Channel>(doc.channel());
    CONSENTRY_RETURN_IF_ERROR(
        PressureRows::Add(connection, *job->keys(), refusal, context.now_us()));
    leaf.add_details(RefusalDetail(0, refusal));
  }
  for (const store::SubjectVersion& seen : job->decision.versions()) {
    context.TellOf(seen.subject);
  }
  context.SetEntry(leaf.SerializeAsString());
  return absl::OkStatus();
}

absl::Status Screener::ApplyRelease(store::ChangeContext& context,
                                    Job* job) const {
  store::Connection* const connection = context.connection();
  const v1::Output& output = job->output();
  store::v1::ScreeningDoc& doc = job->row.doc;
  doc.set_digest(job->terms.digest);
  doc.set_release_until_us(job->release_until_us / kUsPerSecond * kUsPerSecond);
  doc.set_note_until_us(job->terms.expire_s * kUsPerSecond);
  ReleaseRow release;
  release.no = job->row.no;
  release.subject = job->row.subject;
  for (const store::SubjectVersion& seen : job->decision.versions()) {
    release.subject_version = std::max(release.subject_version, seen.version);
  }
  release.doc.set_digest(job->terms.digest);
  release.doc.set_expire_us(doc.release_until_us());
  release.doc.set_purpose(doc.purpose());
  release.doc.set_channel(doc.channel());
  release.doc.set_deliver_us(doc.deliver_us());
  CONSENTRY_RETURN_IF_ERROR(parts_.releases->Insert(connection, release));
  if (job->judgement.charge) {
    CONSENTRY_RETURN_IF_ERROR(PressureRows::Add(connection, *job->keys(),
                                                parts_.conduct->rules(),
                                                *job->judgement.charge));
  }
  CONSENTRY_RETURN_IF_ERROR(ShownPrices(parts_.rows, parts_.items)
                                .Count(connection,
                                       SubjectsOf(job->decision.snapshot),
                                       output, context.now_us(), &doc));
  CONSENTRY_RETURN_IF_ERROR(
      parts_.items->AddEnds(connection, output, context.now_us()));
  CONSENTRY_RETURN_IF_ERROR(Inferences::Note(parts_.settings, context,
                                             *job->keys(), output, job->row));
  if (parts_.reviews != nullptr && job->row.subject != 0 &&
      IsDrawn(job->row.output_key,
              parts_.settings.reviewing().sample_per_10000())) {
    review::NewReview drawn;
    drawn.target = doc.id();
    drawn.subject = job->row.subject;
    drawn.trigger = v1::REVIEW_TRIGGER_SAMPLE;
    drawn.made_for = job->caller.context.acting_person();
    drawn.model = absl::StrCat(output.model(), "@", output.model_version());
    CONSENTRY_ASSIGN_OR_RETURN(const review::QueuedReview queued,
                               parts_.reviews->Enqueue(context, drawn));
    doc.set_review_id(queued.id);
  }
  context.MarkReleasing();
  return absl::OkStatus();
}

// The same output again: as it stands now, with an entry of its own, and
// nothing is spent.
void Screener::AnswerRepeated(const std::shared_ptr<Job>& job) {
  const ScreeningRow& earlier = *job->earlier;
  // Who it was about then is still her, however she is named or joined since.
  const auto& members = job->decision.snapshot.members;
  // Once she is erased her names lead nowhere, and that is all that is told: as
  // of anybody who may not be treated so.
  const bool erased = earlier.doc.reason() == v1::ERROR_REASON_SUBJECT_ERASED;
  const bool hers =
      earlier.subject == 0 || (erased && !job->decision.known()) ||
      std::any_of(members.begin(), members.end(), [&](const auto& member) {
        return member->subject() == earlier.subject;
      });
  if (!hers || earlier.request_hash != parts_.rows->keys().Request(
                                           earlier.subject, *job->request)) {
    Refuse(job, MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                          "the id was used for another output"));
    return;
  }
  v1::ScreenOutputResponse answer = AnswerOf(earlier.doc);
  // That alone stand against it by now.
  std::vector<std::string> monitors;
  if (earlier.doc.verdict() == v1::VERDICT_RELEASED) {
    Rechecked checked;
    checked.state = Rechecked::State::kHolds;
    bool waits = false;
    const bool due = IsChargeDue(earlier.doc);
    const auto holds = [&]() -> absl::StatusOr<bool> {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto release, parts_.releases->Find(lease.get(), earlier.no));
      if (!job->decision.permitted) return false;
      if (!release || release->doc.expire_us() <= job->now_us) return true;
      if (release->state == ReleaseState::kRevoked) {
        if (release->doc.revoked_class() != 0) {
          checked.verdict_class =
              static_cast<v1::VerdictClass>(release->doc.revoked_class());
        }
        return false;
      }
      CONSENTRY_ASSIGN_OR_RETURN(
          checked, Recheck(parts_, lease.get(), *release, job->now_us,
                           job->as_of_change, /*for_delivery=*/due));
      waits = checked.state == Rechecked::State::kLater;
      if (waits) return true;
      if (checked.state != Rechecked::State::kHolds) return false;
      if (!checked.due) return true;
      lease.GiveBack();
      CONSENTRY_ASSIGN_OR_RETURN(const bool charged,
                                 ChargeDue(parts_, checked));
      waits = !charged;
      return true;
    }();
    if (!holds.ok()) {
      Refuse(job, holds.status());
      return;
    }
    // A release that does not hold any more is not told again.
    const int64_t quiet_us = checked.quiet_from_us.value_or(INT64_MAX);
    if (!*holds) {
      monitors = std::move(checked.monitors);
      answer.set_verdict(v1::VERDICT_BLOCKED);
      answer.set_verdict_class(checked.verdict_class);
      answer.clear_findings();
    } else if (!earlier.doc.alteration().empty()) {
      answer.set_verdict(v1::VERDICT_BLOCKED);
      answer.set_verdict_class(v1::VERDICT_CLASS_SIGNIFICANT);
      answer.set_replaced(true);
    } else if (waits ||
               (earlier.doc.note_until_us() == 0 && quiet_us <= job->now_us)) {
      // A human let it pass, and now is no time for it.
      answer.set_verdict(v1::VERDICT_BLOCKED);
      answer.set_verdict_class(v1::VERDICT_CLASS_PRESSURE);
      const int64_t retry_us =
          std::max(checked.retry_us.value_or(0), earlier.doc.deliver_us());
      if (retry_us > job->now_us) {
        SetTime(retry_us, answer.mutable_retry_time());
      }
    } else {
      ReleaseTerms terms;
      terms.digest = earlier.doc.digest();
      terms.pseudonym =
          parts_.tokens->Encode(crypto::TokenKind::kPseudonym, earlier.subject,
                                job->caller.client_id);
      terms.channel = static_cast<v1::Channel>(earlier.doc.channel());
      terms.expire_s = std::min({earlier.doc.release_until_us(),
                                 job->decision.decision.decided_until_us,
                                 earlier.doc.note_until_us() != 0
                                     ? earlier.doc.note_until_us()
                                     : quiet_us}) /
                       kUsPerSecond;
      auto release = SignRelease(*parts_.signer, terms);
      if (!release.ok()) {
        Refuse(job, release.status());
        return;
      }
      *answer.mutable_release() = *std::move(release);
    }
  }
  if (answer.verdict() == v1::VERDICT_BLOCKED) answer.clear_duties();
  store::v1::Leaf leaf = job->leaf;
  leaf.add_details("screening=" + earlier.doc.id());
  leaf.add_details("repeated=true");
  leaf.add_details("verdict=" + VerdictWord(answer.verdict()));
  if (answer.verdict_class() != v1::VERDICT_CLASS_UNSPECIFIED) {
    leaf.add_details("class=" + ClassWord(answer.verdict_class()));
  }
  TellRules(monitors, &leaf);
  CommitAnswer(job, leaf, std::move(answer));
}

}  // namespace consentry::screening
