#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/erasure/erasure_world.h"

// All interleavings of small scripts of two members of staff, the customer, the
// clock, the sweeper and a crash, on the real desks, store and keys. The
// sweeper yields before each of its steps; a crash ends it there.
//
// Histories that lead to the same sight, with the same left of each script and
// the sweeper in the same place, go on alike: each such node is looked at once,
// each act from it done once. How many interleavings the nodes stand for is
// counted on the graph and compared with the multinomial coefficient.
namespace consentry::erasure {
namespace {

using Script = std::vector<Act>;

struct Play {
  std::vector<Script> scripts;
  bool joined = false;
};

Script Sweeps(size_t count) { return Script(count, Act::kSweep); }

// (a + b + ...)! / (a! b! ...)
uint64_t Interleavings(const Play& play) {
  uint64_t ways = 1;
  uint64_t placed = 0;
  for (const Script& script : play.scripts) {
    for (uint64_t i = 1; i <= script.size(); ++i) {
      ++placed;
      ways = ways * placed / i;
    }
  }
  return ways;
}

struct Crash {};
struct Stop {};

// What each commit syncs goes to memory where that can be: no power is cut.
class InMemory : public ::testing::Environment {
 public:
  void SetUp() override {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  }
};
const auto* const kInMemory =
    ::testing::AddGlobalTestEnvironment(new InMemory());

class Explorer {
 public:
  // `merge`: false for one history at a time, each to its end.
  explicit Explorer(Play play, bool merge = true)
      : play_(std::move(play)), merge_(merge) {}

  void Run() {
    while (!::testing::Test::HasFailure()) {
      if (nodes_.empty()) {
        RunOnce(std::nullopt);
        continue;
      }
      while (!open_.empty() && NextActor(nodes_[open_.back()]) < 0) {
        open_.pop_back();
      }
      if (open_.empty()) return;
      RunOnce(open_.back());
    }
  }

  // Interleavings that were explored.
  uint64_t Paths() {
    std::map<size_t, uint64_t> known;
    return PathsFrom(0, &known);
  }
  size_t nodes() const { return nodes_.size(); }
  size_t runs() const { return runs_; }
  // What is left when all was finished, of each interleaving.
  const std::set<std::string>& ends() const { return ends_; }

 private:
  struct Node {
    std::string key;
    // Actors whose turns lead here, by one way.
    std::vector<size_t> path;
    std::vector<size_t> done;
    // By actor; none: not taken yet.
    std::vector<std::optional<size_t>> next;
  };

  int NextActor(const Node& node) const {
    for (size_t a = 0; a < play_.scripts.size(); ++a) {
      if (node.done[a] < play_.scripts[a].size() && !node.next[a]) {
        return static_cast<int>(a);
      }
    }
    return -1;
  }

  uint64_t PathsFrom(size_t at, std::map<size_t, uint64_t>* known) {
    const auto found = known->find(at);
    if (found != known->end()) return found->second;
    uint64_t paths = 0;
    bool leaf = true;
    for (const auto& next : nodes_[at].next) {
      if (!next) continue;
      leaf = false;
      paths += PathsFrom(*next, known);
    }
    return (*known)[at] = leaf ? 1 : paths;
  }

  // From the node on, or from the beginning.
  void RunOnce(std::optional<size_t> from) {
    // The log of a world is hashed as a whole with each entry.
    if (runs_++ % 64 == 0) world_ = std::make_unique<ErasureWorld>();
    world_->Begin(play_.joined);

    prefix_ = from ? nodes_[*from].path : std::vector<size_t>();
    path_.clear();
    done_.assign(play_.scripts.size(), 0);
    at_.reset();
    sight_.reset();
    place_.clear();
    stopped_ = false;
    sweeping_ = false;
    Loop();
  }

  void Loop() {
    while (true) {
      const std::optional<size_t> actor = Choose();
      if (!actor) {
        stopped_ = true;
        if (sweeping_) throw Stop();
        return;
      }
      const Act act = play_.scripts[*actor][done_[*actor]++];
      path_.push_back(*actor);
      act_ = act;
      allowed_ = true;
      if (act == Act::kSweep) {
        if (sweeping_) return;
        Sweep();
        if (stopped_) return;
      } else if (act == Act::kCrash) {
        if (sweeping_) throw Crash();
        world_->Restart();
        place_ = "restarted";
      } else {
        allowed_ = world_->Do(act);
      }
    }
  }

  void Sweep() {
    sweeping_ = true;
    const std::string begun = place_;
    try {
      first_.clear();
      const absl::Status status = world_->Sweep([&](std::string_view step) {
        // What it has in memory: read when it began, and before this step.
        const std::string sight = world_->Look().ToString();
        if (first_.empty()) first_ = sight;
        place_ = absl::StrCat(begun, "/", std::string(step), "\n", first_, "\n",
                              sight);
        Loop();
      });
      place_.clear();
      // Somebody else was faster between two steps.
      if (!status.ok()) {
        EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STATE_INVALID)
            << status << Told();
      }
    } catch (const Crash&) {
      world_->Restart();
      place_ = "restarted";
    } catch (const Stop&) {
    }
    sweeping_ = false;
  }

  // Who goes on; none: everybody is done, or nothing new lies behind.
  std::optional<size_t> Choose() {
    if (::testing::Test::HasFailure()) return std::nullopt;
    if (path_.size() < prefix_.size()) return prefix_[path_.size()];
    Sight sight = world_->Look();
    const size_t known = nodes_.size();
    const size_t here = Find(sight);
    if (at_) {
      Check(*sight_, sight);
      nodes_[*at_].next[path_.back()] = here;
    } else if (!prefix_.empty()) {
      // A history leads where it led before.
      EXPECT_EQ(nodes_[here].path, prefix_) << Told();
    }
    at_ = here;
    sight_ = std::move(sight);
    const int actor = NextActor(nodes_[here]);
    if (actor >= 0) return static_cast<size_t>(actor);
    const bool leaf = path_.size() == Length();
    if (leaf && nodes_.size() > known) Finish();
    return std::nullopt;
  }

  size_t Length() const {
    size_t length = 0;
    for (const Script& script : play_.scripts) length += script.size();
    return length;
  }

  size_t Find(const Sight& sight) {
    std::string key;
    for (const size_t done : done_) absl::StrAppend(&key, done, " ");
    absl::StrAppend(&key, "\n", sight.ToString(), place_);
    if (!merge_) {
      key.clear();
      for (const size_t actor : path_) absl::StrAppend(&key, actor, " ");
    }
    const auto [found, inserted] = by_key_.try_emplace(key, nodes_.size());
    if (inserted) {
      Node node;
      node.key = key;
      node.path = path_;
      node.done = done_;
      node.next.resize(play_.scripts.size());
      nodes_.push_back(std::move(node));
      open_.push_back(found->second);
    }
    return found->second;
  }

  std::string Told() const {
    std::string told = "\nafter";
    std::vector<size_t> at(play_.scripts.size(), 0);
    for (const size_t actor : path_) {
      absl::StrAppend(&told, " ", actor, ":",
                      NameOf(play_.scripts[actor][at[actor]++]), ",");
    }
    return absl::StrCat(told, "\nsweeper at ",
                        place_.substr(0, place_.find('\n')), "\n");
  }

  void Check(const Sight& before, const Sight& now);
  void CheckAct(const Sight& before, const Sight& now);
  void Finish();

  const Play play_;
  const bool merge_;
  std::unique_ptr<ErasureWorld> world_;
  std::vector<Node> nodes_;
  std::map<std::string, size_t> by_key_;
  std::vector<size_t> open_;
  std::set<std::string> ends_;
  size_t runs_ = 0;

  // Of the history that is played.
  std::vector<size_t> prefix_;
  std::vector<size_t> path_;
  std::vector<size_t> done_;
  std::optional<size_t> at_;
  std::optional<Sight> sight_;
  Act act_ = Act::kWait;
  bool allowed_ = true;
  // Where the sweeper is and what it remembers.
  std::string place_;
  std::string first_;
  bool sweeping_ = false;
  bool stopped_ = false;
};

// What holds after every step.
void Explorer::Check(const Sight& before, const Sight& now) {
  SCOPED_TRACE(absl::StrCat(
      Told(), NameOf(act_), allowed_ ? " was allowed" : " was refused",
      "\nbefore:\n", before.ToString(), "now:\n", now.ToString()));
  const bool accepted =
      std::any_of(now.jobs.begin(), now.jobs.end(),
                  [](const Sight::Job& job) { return job.binds(); });
  for (size_t i = 0; i < now.members.size(); ++i) {
    const Sight::Member& was = before.members[i];
    const Sight::Member& is = now.members[i];
    const bool goes = is.destroyed && !was.destroyed;
    const bool drops = was.previous && !is.previous && !is.destroyed;
    if (was.destroyed) {
      EXPECT_TRUE(is.destroyed) << "keys came back";
    }
    EXPECT_GE(was.records, is.records) << "rows came back";
    if (goes || drops) {
      EXPECT_EQ(act_, Act::kSweep);
      EXPECT_FALSE(before.hold_on_all) << "destroyed what is held";
      EXPECT_TRUE(std::any_of(before.jobs.begin(), before.jobs.end(),
                              [](const Sight::Job& job) {
                                return job.state == ErasureState::kResealed &&
                                       job.due;
                              }))
          << "destroyed before its time";
    }
    if (goes) {
      EXPECT_FALSE(before.hold_on_name && i + 1 == now.members.size())
          << "destroyed what is held";
    }
    // Reads deny from the acceptance on, and not without one.
    EXPECT_EQ(is.readable, !accepted);
  }
  EXPECT_LE(std::count_if(now.jobs.begin(), now.jobs.end(),
                          [](const Sight::Job& job) { return job.binds(); }),
            1);

  ASSERT_GE(now.cases.size(), before.cases.size());
  ASSERT_GE(now.jobs.size(), before.jobs.size());
  for (const Sight::Job& job : now.jobs) {
    ASSERT_GE(job.of_case, 0);
    // By somebody else than who entered it.
    const Sight::Case& of = now.cases[static_cast<size_t>(job.of_case)];
    EXPECT_EQ(of.approver, "staff-b");
    const bool done =
        job.state == ErasureState::kDone || job.state == ErasureState::kKept;
    if (done) {
      EXPECT_TRUE(job.certified);
    }
    // The case says what its erasure does.
    if (job.state == ErasureState::kCancelled) {
      EXPECT_EQ(of.state, v1::RIGHTS_STATE_CANCELLED);
    } else if (done) {
      EXPECT_FALSE(of.open());
    } else if (!job.certified) {
      EXPECT_EQ(of.state, v1::RIGHTS_STATE_WAITING);
    }
  }
  for (size_t i = 0; i < before.cases.size(); ++i) {
    if (!before.cases[i].open()) {
      EXPECT_EQ(now.cases[i].state, before.cases[i].state)
          << "a case has two ends";
    }
    // Kept as a record of requests, whatever became of her.
    EXPECT_NE(now.cases[i].state, v1::RIGHTS_STATE_UNSPECIFIED)
        << "case " << i << " is lost";
    const Sight::Job* was = before.JobOf(static_cast<int>(i));
    const Sight::Job* is = now.JobOf(static_cast<int>(i));
    if (was != nullptr && was->state == ErasureState::kCancelled) {
      EXPECT_EQ(is->state, ErasureState::kCancelled);
    }
    if (was != nullptr && was->state == ErasureState::kDone) {
      EXPECT_EQ(is->state, ErasureState::kDone);
    }
  }
  // A new certificate with each end, and with nothing else.
  int ended = 0;
  for (size_t i = 0; i < before.jobs.size(); ++i) {
    ended += before.jobs[i].state == ErasureState::kDestroyed &&
             now.jobs[i].state != ErasureState::kDestroyed;
  }
  EXPECT_EQ(now.certificates, before.certificates + ended);
  CheckAct(before, now);
}

void Explorer::CheckAct(const Sight& before, const Sight& now) {
  if (!allowed_) {
    EXPECT_EQ(before.ToString(), now.ToString())
        << "what was refused did something";
  }
  const auto open =
      std::find_if(before.cases.begin(), before.cases.end(),
                   [](const Sight::Case& one) { return one.open(); });
  switch (act_) {
    case Act::kApproveOwn:
      EXPECT_FALSE(allowed_) << "approved by who entered it";
      break;
    case Act::kHoldAll:
    case Act::kHoldName:
      // Up to the step that begins the destruction.
      EXPECT_EQ(allowed_,
                !before.any_under_way() && before.members.back().has_head);
      break;
    case Act::kCancel: {
      if (open == before.cases.end()) {
        EXPECT_FALSE(allowed_);
        break;
      }
      const auto at = static_cast<int>(open - before.cases.begin());
      const Sight::Job* job = before.JobOf(at);
      EXPECT_EQ(allowed_,
                open->leads_to_her && (job == nullptr || !job->under_way()));
      if (!allowed_) break;
      EXPECT_EQ(now.cases[static_cast<size_t>(at)].state,
                v1::RIGHTS_STATE_CANCELLED);
      break;
    }
    default:
      break;
  }
}

// Lets everybody end what is open: nothing is stuck, and it ends once.
void Explorer::Finish() {
  // The sweeper that is in the middle of its work is another one from here on.
  world_->Restart();
  SCOPED_TRACE(Told());
  Sight now = world_->Look();
  const auto sweep = [&] {
    EXPECT_OK(world_->Sweep(nullptr));
    now = world_->Look();
  };
  sweep();
  const bool bound_before =
      std::any_of(now.jobs.begin(), now.jobs.end(),
                  [](const Sight::Job& job) { return job.binds(); });
  while (world_->Do(Act::kLift)) {
  }
  for (int round = 0; round < 6; ++round) {
    world_->Do(Act::kWait);
    sweep();
    for (const Sight::Case& one : now.cases) {
      if (!one.open()) continue;
      if (!world_->Do(Act::kComplete)) world_->Do(Act::kApprove);
    }
  }
  sweep();
  SCOPED_TRACE(now.ToString());
  for (const Sight::Case& one : now.cases) {
    EXPECT_FALSE(one.open()) << "a case is stuck";
  }
  int done = 0;
  for (const Sight::Job& job : now.jobs) {
    EXPECT_TRUE(job.state == ErasureState::kDone ||
                job.state == ErasureState::kCancelled)
        << "an erasure is stuck";
    done += job.state == ErasureState::kDone;
  }
  EXPECT_LE(done, 1);
  if (bound_before) {
    EXPECT_EQ(done, 1);
  }
  EXPECT_GE(now.certificates, done);
  EXPECT_EQ(now.certificates > 0, done > 0);
  for (const Sight::Member& member : now.members) {
    EXPECT_EQ(member.destroyed, done == 1);
    EXPECT_EQ(member.readable, done == 0);
    if (done == 1) {
      EXPECT_EQ(member.records, 0);
      EXPECT_FALSE(member.has_head);
    }
  }
  // Once more, and after a crash: as it was.
  const std::string end = now.ToString();
  sweep();
  world_->Restart();
  sweep();
  EXPECT_EQ(now.ToString(), end);
  ends_.insert(end);
}

// Explores it, and that it did.
std::set<std::string> Explore(const Play& play) {
  Explorer explorer(play);
  explorer.Run();
  if (::testing::Test::HasFailure()) return {};
  EXPECT_EQ(explorer.Paths(), Interleavings(play));
  ::testing::Test::RecordProperty("interleavings",
                                  std::to_string(explorer.Paths()));
  std::printf("%llu interleavings, %zu nodes, %zu runs, %zu ends\n",
              static_cast<unsigned long long>(explorer.Paths()),
              explorer.nodes(), explorer.runs(), explorer.ends().size());
  return explorer.ends();
}

TEST(ErasureModel, CountsAllInterleavings) {
  EXPECT_EQ(Interleavings({.scripts = {Sweeps(2), Sweeps(1), Sweeps(1)}}), 12u);
  EXPECT_EQ(Interleavings({.scripts = {Sweeps(3), Sweeps(4)}}), 35u);
}

// One history at a time, none left out: the same ends as with merging.
TEST(ErasureModel, MergingHistoriesLosesNone) {
  const Play play = {
      .scripts = {{Act::kApprove, Act::kWait}, {Act::kCancel}, Sweeps(3)}};
  Explorer one_by_one(play, /*merge=*/false);
  one_by_one.Run();
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(one_by_one.Paths(), 60u);
  EXPECT_EQ(one_by_one.runs(), 60u);
  EXPECT_EQ(one_by_one.ends(), Explore(play));
}

// A crash before any step changes nothing of the result.
TEST(ErasureModel, IsTakenBackOrDestroyedWhereverItCrashes) {
  const Script staff_a = {Act::kApproveOwn};
  const Script staff_b = {Act::kApprove};
  const Script customer = {Act::kCancel};
  const auto without = Explore(
      {.scripts = {staff_a, staff_b, customer, {Act::kWait}, Sweeps(7)}});
  const auto with = Explore({.scripts = {staff_a,
                                         staff_b,
                                         customer,
                                         {Act::kWait},
                                         Sweeps(7),
                                         {Act::kCrash}}});
  // Taken back before it was decided, after, or never.
  EXPECT_EQ(without.size(), 3u);
  EXPECT_EQ(with, without);
}

TEST(ErasureModel, AHoldOnEverythingStopsItUntilItIsLifted) {
  const auto without = Explore({.scripts = {{Act::kHoldAll},
                                            {Act::kApprove, Act::kLift},
                                            {Act::kCancel},
                                            {Act::kWait},
                                            Sweeps(6)}});
  const auto with = Explore({.scripts = {{Act::kHoldAll},
                                         {Act::kApprove, Act::kLift},
                                         {Act::kWait},
                                         Sweeps(6),
                                         {Act::kCrash}}});
  for (const std::string& end : with) EXPECT_TRUE(without.contains(end)) << end;
}

TEST(ErasureModel, AHoldOnAFieldKeepsItUntilItIsLifted) {
  const auto without = Explore({.scripts = {{Act::kHoldName},
                                            {Act::kApprove, Act::kLift},
                                            {Act::kCancel},
                                            {Act::kWait},
                                            Sweeps(9)}});
  const auto with = Explore({.scripts = {{Act::kHoldName},
                                         {Act::kApprove, Act::kLift},
                                         {Act::kWait},
                                         Sweeps(8),
                                         {Act::kCrash}}});
  for (const std::string& end : with) EXPECT_TRUE(without.contains(end)) << end;
}

TEST(ErasureModel, AsksAgainWhileItWaitsRunsAndIsOver) {
  Explore({.scripts = {{Act::kApprove, Act::kApprove},
                       {Act::kCancel, Act::kAskAgain},
                       {Act::kWait},
                       Sweeps(7)}});
  Explore({.scripts = {{Act::kApprove},
                       {Act::kAskAgain, Act::kCancel},
                       {Act::kWait},
                       Sweeps(7),
                       {Act::kCrash}}});
}

TEST(ErasureModel, IsRefusedOrGrantedByTwo) {
  Explore({.scripts = {{Act::kRefuse, Act::kApproveOwn},
                       {Act::kApprove, Act::kApprove, Act::kComplete},
                       {Act::kCancel},
                       {Act::kWait},
                       Sweeps(5)}});
}

TEST(ErasureModel, TakesBothOfTwoWhoAreJoined) {
  Explore({.scripts = {{Act::kHoldAll},
                       {Act::kApprove, Act::kLift},
                       {Act::kWait},
                       Sweeps(6),
                       {Act::kCrash}},
           .joined = true});
  Explore({.scripts = {{Act::kHoldName},
                       {Act::kApprove},
                       {Act::kCancel},
                       {Act::kWait},
                       Sweeps(9)},
           .joined = true});
}

}  // namespace
}  // namespace consentry::erasure
