#include "gateway/crypto/locked_slab.h"

#include <sodium.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/crypto/secret.h"

namespace consentry::crypto {
namespace {

// The free list runs through the first bytes of the free blocks.
uint8_t* NextOf(const uint8_t* block) {
  uint8_t* next;
  std::memcpy(&next, block, sizeof(next));
  return next;
}

}  // namespace

LockedSlab::LockedSlab(size_t max_bytes)
    : max_chunks_(std::max<size_t>(1, max_bytes / kChunkBytes)) {
  EnsureSodium();
}

LockedSlab::~LockedSlab() {
  for (uint8_t* chunk : chunks_) {
    sodium_memzero(chunk, kChunkBytes);
    munmap(chunk, kChunkBytes);
  }
}

LockedSlab::Block::Block(Block&& other) noexcept
    : slab_(std::exchange(other.slab_, nullptr)),
      data_(std::exchange(other.data_, nullptr)) {}

LockedSlab::Block& LockedSlab::Block::operator=(Block&& other) noexcept {
  std::swap(slab_, other.slab_);
  std::swap(data_, other.data_);
  return *this;
}

LockedSlab::Block::~Block() {
  if (data_ != nullptr) slab_->Return(data_);
}

bool LockedSlab::Grow() {
  if (chunks_.size() == max_chunks_) return false;
  void* memory = mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (mlock(memory, kChunkBytes) != 0) locked_ = false;
  madvise(memory, kChunkBytes, MADV_DONTDUMP);
  // A forked child finds zeros instead of keys.
  madvise(memory, kChunkBytes, MADV_WIPEONFORK);
  auto* chunk = static_cast<uint8_t*>(memory);
  chunks_.push_back(chunk);
  for (size_t i = kChunkBytes / kBlockBytes; i-- > 0;) {
    uint8_t* block = chunk + i * kBlockBytes;
    std::memcpy(block, &free_, sizeof(free_));
    free_ = block;
  }
  return true;
}

absl::StatusOr<LockedSlab::Block> LockedSlab::Take() {
  MutexLock lock(&mu_);
  if (free_ == nullptr && !Grow()) {
    return absl::ResourceExhaustedError("no locked memory left for keys");
  }
  uint8_t* block = free_;
  free_ = NextOf(block);
  std::memset(block, 0, kBlockBytes);
  ++taken_;
  return Block(this, block);
}

void LockedSlab::Return(uint8_t* block) {
  sodium_memzero(block, kBlockBytes);
  MutexLock lock(&mu_);
  std::memcpy(block, &free_, sizeof(free_));
  free_ = block;
  --taken_;
}

size_t LockedSlab::taken() const {
  MutexLock lock(&mu_);
  return taken_;
}

bool LockedSlab::locked() const {
  MutexLock lock(&mu_);
  return locked_;
}

}  // namespace consentry::crypto
