#pragma once

// The TPM 2.0 software stack's system API (TCG TSS 2.0 ESAPI), as far as evidence and sealing need it.

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>
