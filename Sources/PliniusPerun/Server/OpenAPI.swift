/// The description of the service (OpenAPI 3.1), as it is served.
///
/// A test holds it against the routes.
let openAPI = #"""
    openapi: "3.1.0"
    info:
      title: Perun
      version: "1"
      summary: "A policy manager: it releases the keys of several owners to environments that all of them approve of."
      description: "HTTPS with TLS 1.3. Bytes are base64, hashes hexadecimal, times seconds since 1970. Owners sign what they say: there are no passwords, and a token at most for reading. Frames of enclaves are opaque here."
      license: { name: Apache-2.0, identifier: Apache-2.0 }
    servers: [{ url: / }]
    paths:
      /v1/challenges:
        post:
          operationId: challenge
          summary: "Begins an exchange with an enclave that wants keys."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/ChallengeRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/ChallengeAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/enrolments:
        post:
          operationId: enrol
          summary: "Wraps a secret for the TPM whose keys an enclave has named."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/EnrolmentRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/EnrolmentAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/attestations:
        post:
          operationId: attest
          summary: "Judges evidence by the policies of all owners; a refusal has all findings."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/AttestationRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/AttestationAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/releases:
        post:
          operationId: release
          summary: "Seals the keys to the enclave whose evidence was found good; the same result brings the same keys."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/ReleaseRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/ReleaseAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/leases/{id}/renewals":
        post:
          operationId: renew
          summary: "Judges evidence for a renewal, and renews the lease."
          parameters: [{ name: id, in: path, required: true, schema: { type: string, pattern: "^[0-9a-f]{32}$" } }]
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/AttestationRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/ReleaseAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/receipts:
        post:
          operationId: confirm
          summary: "Takes the confirmation of an enclave that it opened its grant."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/ReceiptRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/Acknowledgement" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/states/{namespace}/{output}/{run}":
        get:
          operationId: state
          summary: "Tells where a run's mirror is."
          security: [{}, { reading: [] }]
          parameters:
            - { name: namespace, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: output, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: run, in: path, required: true, schema: { type: string, minLength: 1, maxLength: 64 } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/State" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
        put:
          operationId: move
          summary: "Moves a run's mirror on, if it is where the enclave believes it to be."
          parameters:
            - { name: namespace, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: output, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: run, in: path, required: true, schema: { type: string, minLength: 1, maxLength: 64 } }
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/StateChange" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/State" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/statements:
        post:
          operationId: submit
          summary: "Takes what an owner says, or more signatures under what was said."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/StatementRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/StatementStanding" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/statements/{hash}":
        get:
          operationId: statement
          summary: "A statement, with all that stands beside it."
          security: [{}, { reading: [] }]
          parameters: [{ name: hash, in: path, required: true, schema: { type: string, pattern: "^[0-9a-f]{64}$" } }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/Statement" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/pending:
        get:
          operationId: pending
          summary: "Statements that wait for approvals, or for their time."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/StandingList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/namespaces:
        get:
          operationId: namespaces
          summary: "The owners."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/NamespaceList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/policies:
        get:
          operationId: policies
          summary: "The policies that count."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/PolicyList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/policies/{namespace}/{name}":
        get:
          operationId: policy
          summary: "The statement that counts for a policy."
          security: [{}, { reading: [] }]
          parameters:
            - { name: namespace, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: name, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/Statement" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/policies/{namespace}/{name}/explain":
        get:
          operationId: explain
          summary: "A policy in sentences."
          security: [{}, { reading: [] }]
          parameters:
            - { name: namespace, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
            - { name: name, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/PolicyExplanation" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/assets:
        get:
          operationId: assets
          summary: "What owners have stated."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/AssetList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/standbys:
        get:
          operationId: standbys
          summary: "The managers that owners let take over."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/StandbyList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/leases:
        get:
          operationId: leases
          summary: "Leases of a state, the newest first."
          security: [{}, { reading: [] }]
          parameters:
            - { name: state, in: query, required: false, schema: { type: string, enum: [live, superseded, revoked, expired] } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/LeaseList" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/audit/head:
        get:
          operationId: auditHead
          summary: "The log's newest signed head."
          security: [{}, { reading: [] }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/SignedHead" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/audit/entries:
        get:
          operationId: auditEntries
          summary: "Entries of the log, a line of canonical JSON each."
          security: [{}, { reading: [] }]
          parameters:
            - { name: from, in: query, required: false, schema: { type: integer, minimum: 0, maximum: 2147483647 } }
            - { name: count, in: query, required: false, schema: { type: integer, minimum: 1, maximum: 1000 } }
          responses:
            "200": { description: Done., content: { application/jsonl: { schema: { type: string } } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      "/v1/audit/proofs/{index}":
        get:
          operationId: inclusion
          summary: "Proof that an entry is in the log."
          security: [{}, { reading: [] }]
          parameters:
            - { name: index, in: path, required: true, schema: { type: integer, minimum: 0, maximum: 2147483647 } }
            - { name: size, in: query, required: true, schema: { type: integer, minimum: 0, maximum: 2147483647 } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/InclusionProof" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/audit/consistency:
        get:
          operationId: consistency
          summary: "Proof that the log only grew."
          security: [{}, { reading: [] }]
          parameters:
            - { name: from, in: query, required: true, schema: { type: integer, minimum: 0, maximum: 2147483647 } }
            - { name: to, in: query, required: true, schema: { type: integer, minimum: 0, maximum: 2147483647 } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/ConsistencyProof" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "401": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/collateral:
        post:
          operationId: importCollateral
          summary: "Takes a signed bundle of what the makers of platforms say."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/CollateralRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/CollateralAnswer" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "422": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/attestation:
        get:
          operationId: attestation
          summary: "What the manager says of itself, and the evidence for it."
          parameters: [{ name: nonce, in: query, required: true, schema: { type: string, pattern: "^[0-9a-f]{64}$" } }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/SelfAttestation" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "404": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/certificate:
        get:
          operationId: certificate
          summary: "The TLS certificate, which clients pin."
          responses:
            "200": { description: Done., content: { application/x-pem-file: { schema: { type: string } } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/unlock:
        get:
          operationId: lockedAttestation
          summary: "What a locked manager says of itself, and the evidence for it; 409 from one that is not locked."
          parameters: [{ name: nonce, in: query, required: true, schema: { type: string, pattern: "^[0-9a-f]{64}$" } }]
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/LockedAttestation" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
        post:
          operationId: unlock
          summary: "Hands in a share of a locked manager's root key, sealed to the key that it has drawn."
          requestBody:
            required: true
            content: { application/json: { schema: { "$ref": "#/components/schemas/UnlockRequest" } } }
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/UnlockStanding" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "403": { "$ref": "#/components/responses/Problem" }
            "408": { "$ref": "#/components/responses/Problem" }
            "409": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "415": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /v1/health:
        get:
          operationId: health
          summary: "Whether the manager answers."
          responses:
            "200":
              description: Done.
              content: { application/json: { schema: { "$ref": "#/components/schemas/Health" } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
      /openapi.yaml:
        get:
          operationId: openapi
          summary: "This document."
          responses:
            "200": { description: Done., content: { application/yaml: { schema: { type: string } } } }
            "400": { "$ref": "#/components/responses/Problem" }
            "413": { "$ref": "#/components/responses/Problem" }
            "429": { "$ref": "#/components/responses/Problem" }
            "431": { "$ref": "#/components/responses/Problem" }
            "500": { "$ref": "#/components/responses/Problem" }
            "503": { "$ref": "#/components/responses/Problem" }
    components:
      schemas:
        Base64:
          type: string
          format: byte
          description: "Base64 in the standard alphabet, padded."
          pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
        ScopedName:
          type: string
          description: owner/name
          pattern: "^[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}$"
        Finding:
          type: object
          description: "One check; its parts are the checks that it consists of."
          required: [check, outcome, expected, found, parts]
          properties:
            check: { type: string }
            outcome: { type: string, enum: [passed, failed, tolerated] }
            expected: { type: string }
            found: { type: string }
            parts: { type: array, items: { "$ref": "#/components/schemas/Finding" } }
            policyLine: { type: string }
        Problem:
          type: object
          description: "RFC 9457."
          required: [type, title, status, detail]
          properties:
            type: { type: string }
            title: { type: string }
            status: { type: integer }
            detail: { type: string }
            check: { type: string }
            expected: { type: string }
            found: { type: string }
            policyLine: { type: string }
            findings: { type: array, items: { "$ref": "#/components/schemas/Finding" } }
            request: { type: string }
        ChallengeRequest:
          type: object
          required: [purpose, datasets, config, output, run]
          properties:
            purpose: { type: string, enum: [train, test, infer, export] }
            datasets: { type: array, items: { "$ref": "#/components/schemas/ScopedName" }, maxItems: 16 }
            config: { "$ref": "#/components/schemas/ScopedName" }
            output: { "$ref": "#/components/schemas/ScopedName" }
            run: { type: string, minLength: 1, maxLength: 64 }
            model: { "$ref": "#/components/schemas/ScopedName" }
            lease: { type: string, pattern: "^[0-9a-f]{32}$" }
        ChallengeAnswer:
          type: object
          required: [challenge, cookie, expires, wanted, policies]
          properties:
            challenge: { "$ref": "#/components/schemas/Base64" }
            cookie: { "$ref": "#/components/schemas/Base64" }
            expires: { type: integer, format: int64 }
            wanted: { type: array, items: { type: string } }
            policies: { type: object, additionalProperties: { type: string, pattern: "^[0-9a-f]{64}$" } }
        EnrolmentRequest:
          type: object
          required: [cookie, enrolment]
          properties:
            cookie: { "$ref": "#/components/schemas/Base64" }
            enrolment: { "$ref": "#/components/schemas/Base64" }
        EnrolmentAnswer:
          type: object
          required: [credential, cookie]
          properties:
            credential: { "$ref": "#/components/schemas/Base64" }
            cookie: { "$ref": "#/components/schemas/Base64" }
        AttestationRequest:
          type: object
          required: [cookie, presentation]
          properties:
            cookie: { "$ref": "#/components/schemas/Base64" }
            presentation: { "$ref": "#/components/schemas/Base64" }
        AttestationAnswer:
          type: object
          required: [result, passed, decision, expires]
          properties:
            result: { "$ref": "#/components/schemas/Base64" }
            passed: { type: boolean }
            decision: { type: array, items: { "$ref": "#/components/schemas/Finding" } }
            expires: { type: integer, format: int64 }
        ReleaseRequest:
          type: object
          required: [result]
          properties: { result: { "$ref": "#/components/schemas/Base64" } }
        Lease:
          type: object
          required: [id, seconds, iterations, expires]
          properties:
            id: { type: string, pattern: "^[0-9a-f]{32}$" }
            seconds: { type: integer, minimum: 0 }
            iterations: { type: integer, minimum: 0 }
            expires: { type: integer, format: int64 }
        ReleaseAnswer:
          type: object
          required: [grant, lease, receipt]
          properties:
            grant: { "$ref": "#/components/schemas/Base64" }
            lease: { "$ref": "#/components/schemas/Lease" }
            receipt: { "$ref": "#/components/schemas/Base64" }
        ReceiptRequest:
          type: object
          required: [lease, receipt]
          properties:
            lease: { type: string, pattern: "^[0-9a-f]{32}$" }
            receipt: { "$ref": "#/components/schemas/Base64" }
        Acknowledgement: { type: object, required: [done], properties: { done: { type: boolean } } }
        State:
          type: object
          required: [counter, tag]
          properties: { counter: { type: integer, minimum: 0 }, tag: { type: string, pattern: "^[0-9a-f]{64}$" } }
        StateChange:
          type: object
          required: [new, lease, proof]
          properties:
            new: { "$ref": "#/components/schemas/State" }
            lease: { type: string, pattern: "^[0-9a-f]{32}$" }
            proof: { "$ref": "#/components/schemas/Base64" }
            old: { "$ref": "#/components/schemas/State" }
        Signature:
          type: object
          required: [key, signature]
          properties:
            key: { type: string, pattern: "^(ed25519:[0-9a-f]{64}|p256:[0-9a-f]{130})$" }
            signature: { "$ref": "#/components/schemas/Base64" }
        SealedSecret:
          type: object
          required: [encapsulatedKey, ciphertext]
          properties:
            encapsulatedKey: { "$ref": "#/components/schemas/Base64" }
            ciphertext: { "$ref": "#/components/schemas/Base64" }
        StatementRequest:
          type: object
          required: [statement, signatures]
          properties:
            statement: { "$ref": "#/components/schemas/Base64" }
            signatures: { type: array, items: { "$ref": "#/components/schemas/Signature" }, maxItems: 64 }
            source: { type: string }
            sealedKey: { "$ref": "#/components/schemas/SealedSecret" }
        StatementStanding:
          type: object
          required: [hash, type, namespace, subject, status, needs, signers]
          properties:
            hash: { type: string, pattern: "^[0-9a-f]{64}$" }
            type: { type: string }
            namespace: { type: string }
            subject: { type: string }
            status: { type: string, enum: [pending, locked, active, replaced, vetoed, outrun] }
            needs: { type: array, items: { type: string } }
            signers: { type: array, items: { type: string } }
            lockedUntil: { type: integer, format: int64 }
        Statement:
          type: object
          required: [standing, statement, signatures, received]
          properties:
            standing: { "$ref": "#/components/schemas/StatementStanding" }
            statement: { "$ref": "#/components/schemas/Base64" }
            signatures: { type: array, items: { "$ref": "#/components/schemas/Signature" } }
            received: { type: integer, format: int64 }
            source: { type: string }
        StandingList:
          type: object
          required: [statements]
          properties: { statements: { type: array, items: { "$ref": "#/components/schemas/StatementStanding" } } }
        NamedStatement:
          type: object
          required: [name, statement, version, since]
          properties:
            name: { type: string }
            statement: { type: string, pattern: "^[0-9a-f]{64}$" }
            version: { type: integer }
            since: { type: integer, format: int64 }
        NamespaceList:
          type: object
          required: [namespaces]
          properties: { namespaces: { type: array, items: { "$ref": "#/components/schemas/NamedStatement" } } }
        StandbyList:
          type: object
          required: [standbys]
          properties: { standbys: { type: array, items: { "$ref": "#/components/schemas/Standby" } } }
        Standby:
          type: object
          required: [name, sealingKey, isSealed, statement, version]
          properties:
            name: { type: string }
            sealingKey: { type: string, pattern: "^[0-9a-f]{64}$" }
            isSealed: { type: boolean }
            statement: { type: string, pattern: "^[0-9a-f]{64}$" }
            version: { type: integer, minimum: 1 }
        PolicyList:
          type: object
          required: [policies]
          properties: { policies: { type: array, items: { "$ref": "#/components/schemas/NamedStatement" } } }
        PolicyExplanation:
          type: object
          required: [policy, text, warnings]
          properties:
            policy: { "$ref": "#/components/schemas/ScopedName" }
            text: { type: string }
            warnings: { type: array, items: { type: string } }
        Asset:
          type: object
          required: [name, kind, identity, lineage, hasKey, isWithdrawn, statement, version]
          properties:
            name: { "$ref": "#/components/schemas/ScopedName" }
            kind: { type: string, enum: [dataset, config, code, model, input, output] }
            identity: { type: string }
            lineage: { type: array, items: { "$ref": "#/components/schemas/ScopedName" } }
            hasKey: { type: boolean }
            isWithdrawn: { type: boolean }
            statement: { type: string, pattern: "^[0-9a-f]{64}$" }
            version: { type: integer }
            policy: { "$ref": "#/components/schemas/ScopedName" }
        AssetList:
          type: object
          required: [assets]
          properties: { assets: { type: array, items: { "$ref": "#/components/schemas/Asset" } } }
        LeaseRecord:
          type: object
          required: [id, run, purpose, state, seconds, iterations, assets, begun, renewed, expires, renewals]
          properties:
            id: { type: string, pattern: "^[0-9a-f]{32}$" }
            run: { type: string }
            purpose: { type: string }
            state: { type: string, enum: [live, superseded, revoked, expired] }
            seconds: { type: integer, minimum: 0 }
            iterations: { type: integer, minimum: 0 }
            assets: { type: array, items: { "$ref": "#/components/schemas/ScopedName" } }
            begun: { type: integer, format: int64 }
            renewed: { type: integer, format: int64 }
            expires: { type: integer, format: int64 }
            renewals: { type: integer }
            reason: { type: string }
        LeaseList:
          type: object
          required: [leases]
          properties: { leases: { type: array, items: { "$ref": "#/components/schemas/LeaseRecord" } } }
        CollateralRequest:
          type: object
          required: [bundle]
          properties: { bundle: { "$ref": "#/components/schemas/Base64" } }
        CollateralAnswer:
          type: object
          required: [name, issued, expires]
          properties:
            name: { type: string }
            issued: { type: integer, format: int64 }
            expires: { type: integer, format: int64 }
        SelfAttestation:
          type: object
          required: [certificate, sealingKey, auditKey, isProtected]
          properties:
            certificate: { type: string, pattern: "^[0-9a-f]{64}$" }
            sealingKey: { type: string, pattern: "^[0-9a-f]{64}$" }
            auditKey: { type: string, pattern: "^[0-9a-f]{64}$" }
            isProtected: { type: boolean }
            evidence: { "$ref": "#/components/schemas/Base64" }
        Health:
          type: object
          required: [status, version]
          properties: { status: { type: string, enum: [ready, locked] }, version: { type: string } }
        UnlockStanding:
          type: object
          required: [set, threshold, shares, missing]
          properties:
            set: { type: string, pattern: "^[0-9a-f]{32}$" }
            threshold: { type: integer, minimum: 1 }
            shares: { type: array, items: { type: integer, minimum: 1 }, maxItems: 255 }
            missing: { type: integer, minimum: 0 }
        LockedAttestation:
          type: object
          required: [certificate, sealingKey, standing]
          properties:
            certificate: { type: string, pattern: "^[0-9a-f]{64}$" }
            sealingKey: { type: string, pattern: "^[0-9a-f]{64}$" }
            evidence: { "$ref": "#/components/schemas/Base64" }
            standing: { "$ref": "#/components/schemas/UnlockStanding" }
        UnlockRequest:
          type: object
          required: [share]
          properties: { share: { "$ref": "#/components/schemas/SealedSecret" } }
        SignedHead:
          type: object
          required: [head, signature]
          properties:
            head:
              type: object
              required: [service, epoch, size, root, last, time]
              properties:
                service: { type: string, pattern: "^[0-9a-f]{64}$" }
                epoch: { type: string, pattern: "^[0-9a-f]{32}$" }
                size: { type: integer, minimum: 0 }
                root: { type: string, pattern: "^[0-9a-f]{64}$" }
                last: { type: string, pattern: "^[0-9a-f]{64}$" }
                time: { type: integer, format: int64 }
            signature: { type: string, pattern: "^[0-9a-f]{128}$" }
        InclusionProof:
          type: object
          required: [index, size, path]
          properties:
            index: { type: integer, minimum: 0 }
            size: { type: integer, minimum: 0 }
            path: { type: array, items: { type: string, pattern: "^[0-9a-f]{64}$" } }
        ConsistencyProof:
          type: object
          required: [older, size, path]
          properties:
            older: { type: integer, minimum: 0 }
            size: { type: integer, minimum: 0 }
            path: { type: array, items: { type: string, pattern: "^[0-9a-f]{64}$" } }
      responses:
        Problem:
          description: "Why the request was not done."
          content: { "application/problem+json": { schema: { "$ref": "#/components/schemas/Problem" } } }
      securitySchemes: { reading: { type: http, scheme: bearer } }
    """# + "\n"
