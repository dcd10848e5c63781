#ifndef CONSENTRY_TESTS_TESTING_TEST_KEYS_H_
#define CONSENTRY_TESTS_TESTING_TEST_KEYS_H_

#include <cstdint>
#include <memory>

#include "audit/io/file.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/slot_file.h"
#include "tests/testing/memory_file_system.h"

namespace consentry::testing {

// Root key, epoch file and slot file on a disk in memory: real keys for tests
// of what is built on them.
class TestKeys {
 public:
  static constexpr int64_t kNowUs = 1'795'000'000'000'000;  // November 2026.

  TestKeys()
      : root_(crypto::RootKey::FromBytes(
            crypto::SecretBytes<crypto::kKeyBytes>::Random().view())),
        epochs_(crypto::EpochFile::Create(&disk_, "/epochs", root_, kNowUs)
                    .value()),
        slots_(crypto::SlotFile::Create(options(), kNowUs).value()) {}

  crypto::SlotFile::Options options() {
    return {&disk_, "/slots", epochs_.get(), &slab_};
  }
  // Keys of a new subject.
  crypto::SubjectKeys NewSubject() {
    return slots_->Load(slots_->Allocate(1, kNowUs).value()).value();
  }

  MemoryFileSystem& disk() { return disk_; }
  const crypto::RootKey& root() const { return root_; }
  crypto::EpochFile& epochs() { return *epochs_; }
  crypto::SlotFile& slots() { return *slots_; }
  crypto::LockedSlab& slab() { return slab_; }

 private:
  MemoryFileSystem disk_;
  crypto::LockedSlab slab_;
  crypto::RootKey root_;
  std::unique_ptr<crypto::EpochFile> epochs_;
  std::unique_ptr<crypto::SlotFile> slots_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_TEST_KEYS_H_
