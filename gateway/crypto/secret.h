#ifndef CONSENTRY_GATEWAY_CRYPTO_SECRET_H_
#define CONSENTRY_GATEWAY_CRYPTO_SECRET_H_

#include <sodium.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace consentry::crypto {

// Secrets are types: wiped when they end, compared in constant time, moved but
// not copied by accident, and neither printable nor convertible to anything
// that is. None of these types is safe for use by two threads of which one
// writes; reading from many is fine.

inline constexpr size_t kKeyBytes = 32;

// A borrowed 256-bit key. Lives no longer than its owner; do not store it.
using KeyView = std::span<const uint8_t, kKeyBytes>;

// Makes libsodium ready; the process stops if it cannot be. Every factory of
// this library calls it. Safe for many threads, cheap after the first call.
void EnsureSodium();

// N secret bytes in place: on the stack or inside another object. For keys
// that live as long as one operation. A moved-from value is all zeros.
template <size_t N>
class SecretBytes {
 public:
  SecretBytes() : bytes_{} {}
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept { TakeFrom(&other); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) TakeFrom(&other);
    return *this;
  }
  ~SecretBytes() { sodium_memzero(bytes_, N); }

  static SecretBytes Random() {
    EnsureSodium();
    SecretBytes made;
    randombytes_buf(made.bytes_, N);
    return made;
  }
  static SecretBytes CopyOf(std::span<const uint8_t, N> bytes) {
    SecretBytes made;
    for (size_t i = 0; i < N; ++i) made.bytes_[i] = bytes[i];
    return made;
  }
  SecretBytes Clone() const { return CopyOf(view()); }

  static constexpr size_t size() { return N; }
  const uint8_t* data() const { return bytes_; }
  uint8_t* mutable_data() { return bytes_; }
  std::span<const uint8_t, N> view() const {
    return std::span<const uint8_t, N>(bytes_, N);
  }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b) {
    return sodium_memcmp(a.bytes_, b.bytes_, N) == 0;
  }

 private:
  void TakeFrom(SecretBytes* other) {
    for (size_t i = 0; i < N; ++i) bytes_[i] = other->bytes_[i];
    sodium_memzero(other->bytes_, N);
  }

  uint8_t bytes_[N];
};

// Secret bytes of any length in guarded memory: between two inaccessible
// pages, locked as far as the process may lock, left out of core dumps, wiped
// at the end. Costs about 50 microseconds and four pages each, so it is for
// the few that live as long as the process, and for contents of key files.
// A default-made or moved-from buffer is empty.
class SecretBuffer {
 public:
  SecretBuffer() = default;
  // `size` zero bytes. The process stops when there is no memory.
  explicit SecretBuffer(size_t size);
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  SecretBuffer(SecretBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  SecretBuffer& operator=(SecretBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SecretBuffer();

  static SecretBuffer CopyOf(std::span<const uint8_t> bytes);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const uint8_t* data() const { return data_; }
  uint8_t* mutable_data() { return data_; }
  std::span<const uint8_t> view() const { return {data_, size_}; }
  // The first `size` bytes stay; the rest is wiped. `size` <= size().
  void Shrink(size_t size);

  // Constant time for buffers of the same length.
  friend bool operator==(const SecretBuffer& a, const SecretBuffer& b) {
    return a.size_ == b.size_ &&
           (a.size_ == 0 || sodium_memcmp(a.data_, b.data_, a.size_) == 0);
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// A 256-bit key in guarded memory (see SecretBuffer): root, epoch and other
// keys of the process. A default-made or moved-from key is empty, and view()
// of it is a programming error that stops the process.
class GuardedKey {
 public:
  GuardedKey() = default;
  static GuardedKey Random();
  static GuardedKey CopyOf(KeyView key);

  bool empty() const { return bytes_.empty(); }
  KeyView view() const;
  uint8_t* mutable_data() { return bytes_.mutable_data(); }
  GuardedKey Clone() const { return CopyOf(view()); }

  friend bool operator==(const GuardedKey& a, const GuardedKey& b) {
    return a.bytes_ == b.bytes_;
  }

 private:
  SecretBuffer bytes_;
};

// Bytes that were sealed and are now readable: somebody's data. Wiped at the
// end, not printable; view() is the one way out and the place to look for.
// Heap memory, one allocation, none when empty.
class Plaintext {
 public:
  Plaintext() = default;
  // `size` unset bytes, for the one who fills them.
  explicit Plaintext(size_t size);
  Plaintext(const Plaintext&) = delete;
  Plaintext& operator=(const Plaintext&) = delete;
  Plaintext(Plaintext&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Plaintext& operator=(Plaintext&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Plaintext();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  uint8_t* mutable_data() { return data_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SECRET_H_
