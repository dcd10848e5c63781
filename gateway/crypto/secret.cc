#include "gateway/crypto/secret.h"

#include <cstdlib>
#include <cstring>

namespace consentry::crypto {

void EnsureSodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();
}

SecretBuffer::SecretBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  EnsureSodium();
  data_ = static_cast<uint8_t*>(sodium_malloc(size));
  if (data_ == nullptr) std::abort();
  std::memset(data_, 0, size);
}

SecretBuffer::~SecretBuffer() {
  // sodium_free wipes.
  if (data_ != nullptr) sodium_free(data_);
}

SecretBuffer SecretBuffer::CopyOf(std::span<const uint8_t> bytes) {
  SecretBuffer made(bytes.size());
  if (made.data_ != nullptr)
    std::memcpy(made.data_, bytes.data(), bytes.size());
  return made;
}

void SecretBuffer::Shrink(size_t size) {
  if (size > size_) std::abort();
  if (size < size_) sodium_memzero(data_ + size, size_ - size);
  size_ = size;
}

GuardedKey GuardedKey::Random() {
  GuardedKey made;
  made.bytes_ = SecretBuffer(kKeyBytes);
  randombytes_buf(made.bytes_.mutable_data(), kKeyBytes);
  return made;
}

GuardedKey GuardedKey::CopyOf(KeyView key) {
  GuardedKey made;
  made.bytes_ = SecretBuffer::CopyOf(key);
  return made;
}

KeyView GuardedKey::view() const {
  if (bytes_.empty()) std::abort();
  return KeyView(bytes_.data(), kKeyBytes);
}

Plaintext::Plaintext(size_t size) : size_(size) {
  if (size == 0) return;
  data_ = static_cast<uint8_t*>(std::malloc(size));
  if (data_ == nullptr) std::abort();
}

Plaintext::~Plaintext() {
  if (data_ == nullptr) return;
  sodium_memzero(data_, size_);
  std::free(data_);
}

}  // namespace consentry::crypto
