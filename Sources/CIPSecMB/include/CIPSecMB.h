#pragma once

// AES-GCM by intel-ipsec-mb, behind a face that does not change with the library's versions.
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

/// Whether this build and this processor can seal, and the library's self-test passed.
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

#pragma clang assume_nonnull end
