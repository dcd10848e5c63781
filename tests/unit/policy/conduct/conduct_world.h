#ifndef CONSENTRY_TESTS_UNIT_POLICY_CONDUCT_CONDUCT_WORLD_H_
#define CONSENTRY_TESTS_UNIT_POLICY_CONDUCT_CONDUCT_WORLD_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "consentry/config/v1/conduct_policy.pb.h"
#include "policy/conduct/conduct.h"

// Outputs by chance, many of them on one side or the other of a rule.
namespace consentry::conduct {

// 2026-11-22T10:00:00Z.
inline constexpr int64_t kNowUs = 1'795'341'600'000'000;

// A question that owns what it points to.
struct Asked {
  v1::Output output;
  TextScan scan;
  Question question;

  Asked();
  Asked(const Asked& other);
  Asked& operator=(const Asked&) = delete;
};

class ConductWorld {
 public:
  explicit ConductWorld(uint64_t seed) : random_(seed) {}

  std::unique_ptr<Asked> Ask();

  Contact AnyContact();
  Refusal AnyRefusal();
  TextFinding AnyClaim();
  v1::Evidence AnyEvidence();
  v1::VulnerabilityKind AnyVulnerability();
  // A file of one row that every check accepts.
  config::v1::ConductPolicy AnyRule();

  // 0 to bound - 1.
  int Below(int bound) {
    return static_cast<int>(random_() % static_cast<uint64_t>(bound));
  }
  bool Chance(int in) { return Below(in) == 0; }
  template <class Items>
  void Shuffle(Items* items) {
    std::shuffle(items->begin(), items->end(), random_);
  }

 private:
  int64_t AnyTime();
  int AnyMoney();

  std::mt19937_64 random_;
  int rules_ = 0;
};

}  // namespace consentry::conduct

#endif  // CONSENTRY_TESTS_UNIT_POLICY_CONDUCT_CONDUCT_WORLD_H_
