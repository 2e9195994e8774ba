#pragma once

// AES-GCM and SHA-256 by intel-ipsec-mb, behind a face that does not change with the library's versions.
//
// An expanded key lives in memory of the caller, who wipes it. After cipsecmb_expand it is read only, so any number of
// threads may seal and open with it at once: the library's direct calls keep their state in a context on the stack, and
// of its manager only the table of functions is used. Where the library or the processor does not serve,
// cipsecmb_is_available says so, and no other function may be called.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

#define CIPSECMB_KEY_ALIGNMENT 64
#define CIPSECMB_NONCE_SIZE 12
#define CIPSECMB_TAG_SIZE 16
#define CIPSECMB_DIGEST_SIZE 32
#define CIPSECMB_HMAC_MAXIMUM 512

/// Whether this build and this processor can seal and hash, and the library's self-test passed.
bool cipsecmb_is_available(void);

/// The size of an expanded key; it begins at a multiple of CIPSECMB_KEY_ALIGNMENT.
size_t cipsecmb_key_size(void);

/// Expands an AES key of 16 or 32 bytes into `expanded`.
void cipsecmb_expand(void *expanded, const uint8_t *key, size_t key_size);

/// Encrypts `size` bytes and writes the tag over them and `aad`. `ciphertext` may be `plaintext`.
void cipsecmb_seal(const void *expanded, uint8_t *ciphertext, const uint8_t *plaintext, size_t size,
                   const uint8_t *nonce, const uint8_t *aad, size_t aad_size, uint8_t *tag);

/// Decrypts `size` bytes and returns whether the tag fits, compared in constant time. If not, `plaintext` is wiped.
/// `plaintext` may be `ciphertext`.
bool cipsecmb_open(const void *expanded, uint8_t *plaintext, const uint8_t *ciphertext, size_t size,
                   const uint8_t *nonce, const uint8_t *aad, size_t aad_size, const uint8_t *tag);

/// Writes the SHA-256 digest of `size` bytes.
void cipsecmb_sha256(const uint8_t *bytes, size_t size, uint8_t *digest);

/// Writes the HMAC-SHA-256 (RFC 2104) of at most CIPSECMB_HMAC_MAXIMUM bytes under a key of at most 64.
void cipsecmb_hmac_sha256(const uint8_t *key, size_t key_size, const uint8_t *bytes, size_t size, uint8_t *code);

#pragma clang assume_nonnull end
