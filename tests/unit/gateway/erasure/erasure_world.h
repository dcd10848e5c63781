#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_WORLD_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/signer.h"
#include "gateway/erasure/eraser.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/erasure/erasure_state.h"
#include "gateway/erasure/suppression_list.h"
#include "gateway/rights/case_completion.h"
#include "gateway/rights/case_desk.h"
#include "tests/testing/access_fixture.h"

namespace consentry::erasure {

// One customer, or two who are joined, as the store, the keys and a reader say
// that she stands. No id and no time, so that two histories can be compared.
struct Sight {
  struct Case {
    v1::RightsState state = v1::RIGHTS_STATE_UNSPECIFIED;
    // Of staff; empty: nobody approved it.
    std::string approver;
    bool leads_to_her = false;
    bool by_system = false;

    bool open() const;
  };
  struct Job {
    // Position of its case; -1: none.
    int of_case = -1;
    ErasureState state = ErasureState::kWaiting;
    bool due = false;
    bool certified = false;
    // What Decide found, and where it stands; all that its steps go by.
    std::string rest;

    bool under_way() const;
    // Decided and not taken back.
    bool binds() const { return state != ErasureState::kCancelled; }
  };
  struct Member {
    bool destroyed = false;
    // Generations of the data key since the beginning; and an older one still
    // there.
    uint32_t generations = 0;
    bool previous = false;
    int64_t records = 0;
    bool has_head = false;
    bool erasing = false;
    bool erasure_held = false;
    bool restricted = false;
    bool legal_hold = false;
    bool erased = false;
    bool readable = false;
  };
  std::vector<Case> cases;
  std::vector<Job> jobs;
  std::vector<Member> members;
  bool hold_on_all = false;
  bool hold_on_name = false;
  int64_t suppressed = 0;
  // Certificates that were made, of all erasures.
  int certificates = 0;

  const Job* JobOf(int of_case) const;
  bool any_under_way() const;
  bool any_done() const;
  std::string ToString() const;
};

// What somebody does.
enum class Act {
  kHoldAll,     // Staff A: a legal hold on everything.
  kHoldName,    // Staff A: on one field.
  kApproveOwn,  // Staff A, who entered the case.
  kRefuse,      // Staff A, on a ground of the law.
  kApprove,     // Staff B.
  kComplete,    // Staff B.
  kLift,        // Staff B: the hold.
  kCancel,      // The customer, of her first open case.
  kAskAgain,    // The customer: one case more.
  kWait,        // The time between decision and destruction passes.
  kSweep,       // The sweeper goes on to its next step.
  kCrash,       // The process ends; what was in memory is gone.
};
const char* NameOf(Act act);

// Real desks, store, keys and readers; the log is in memory, the clock stands
// still. Holds one customer at a time: Begin() makes a new one.
class ErasureWorld : public testing::AccessFixture {
 public:
  ErasureWorld();
  ~ErasureWorld();

  // A customer whose erasure staff A entered and identified her for; with
  // `joined` two who are joined.
  void Begin(bool joined);

  // Any act but kSweep and kCrash. Whether it was allowed.
  bool Do(Act act);
  Sight Look();

  // The sweeper's memory is lost.
  void Restart();
  // One run of the sweeper, after a start with what the start does first. Calls
  // `on_step` before each step, which may throw.
  absl::Status Sweep(std::function<void(std::string_view step)> on_step);

 private:
  struct Held {
    std::string id;
    bool all = false;
  };
  static clients::CallerContext Staff(const std::string& person);
  clients::CallerContext Herself() const;
  template <class Message, class Method>
  bool DoCase(Method method, const clients::CallerContext& caller, size_t at,
              Message request);
  bool Submit(const clients::CallerContext& caller,
              const v1::SubjectRef& subject);
  bool Place(const std::vector<std::string>& fields);
  rights::CaseRow ReadRow(const std::string& id);
  // The first case in the state, or in any open one; else the last.
  size_t FirstIn(v1::RightsState state);
  bool MayRead(const std::string& id);
  int64_t Count(const std::string& sql, int64_t value);

  std::unique_ptr<audit::Signer> signer_;
  SuppressionList suppression_;
  ErasureParts parts_;
  ErasureDesk desk_;
  std::unique_ptr<rights::CaseDesk> cases_;
  std::unique_ptr<rights::CaseCompletion> completion_;
  std::unique_ptr<Eraser> eraser_;
  bool restarted_ = false;

  int made_ = 0;
  std::string email_;
  std::vector<std::string> ids_;
  std::vector<uint64_t> numbers_;
  std::vector<uint32_t> generations_;
  std::vector<std::string> case_ids_;
  std::vector<Held> holds_;
  int certificates_ = 0;
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_ERASURE_ERASURE_WORLD_H_
