#ifndef CONSENTRY_GATEWAY_CRYPTO_LOCKED_SLAB_H_
#define CONSENTRY_GATEWAY_CRYPTO_LOCKED_SLAB_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/support/mutex.h"

namespace consentry::crypto {

// A bounded pool of equal blocks in locked memory that is left out of core
// dumps: the place of the many short-lived keys of subjects. Grows by 64 KiB
// up to its bound and never shrinks. Blocks are wiped when given back.
// Safe for many threads. Must outlive every block taken from it.
class LockedSlab {
 public:
  static constexpr size_t kBlockBytes = 128;
  static constexpr size_t kChunkBytes = size_t{64} * 1024;
  // Some 32,000 subjects, half of Debian's default limit for locked memory.
  static constexpr size_t kDefaultMaxBytes = size_t{4} * 1024 * 1024;

  explicit LockedSlab(size_t max_bytes = kDefaultMaxBytes);
  LockedSlab(const LockedSlab&) = delete;
  LockedSlab& operator=(const LockedSlab&) = delete;
  ~LockedSlab();

  // The owner of one block; gives it back, wiped. Move-only.
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    ~Block();
    uint8_t* data() const { return data_; }

   private:
    friend class LockedSlab;
    Block(LockedSlab* slab, uint8_t* data) : slab_(slab), data_(data) {}
    LockedSlab* slab_ = nullptr;
    uint8_t* data_ = nullptr;
  };

  // A block of zeros. ResourceExhausted when all are taken: whoever keeps
  // keys must keep fewer than capacity().
  absl::StatusOr<Block> Take();

  size_t capacity() const { return max_chunks_ * (kChunkBytes / kBlockBytes); }
  size_t taken() const;
  // False once some of the memory could not be locked (RLIMIT_MEMLOCK).
  bool locked() const;

 private:
  void Return(uint8_t* block);
  bool Grow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t max_chunks_;
  mutable Mutex mu_;
  std::vector<uint8_t*> chunks_ ABSL_GUARDED_BY(mu_);
  uint8_t* free_ ABSL_GUARDED_BY(mu_) = nullptr;
  size_t taken_ ABSL_GUARDED_BY(mu_) = 0;
  bool locked_ ABSL_GUARDED_BY(mu_) = true;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_LOCKED_SLAB_H_
