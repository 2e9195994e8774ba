internal import GRDB

/// What the store's file looks like: each version is a step that is never altered once it was in use.
enum StoreSchema {
    /// `PERN`: what the file says that it is.
    static let applicationID: Int32 = 0x5045_524E
    /// The number of steps; what a file has that an unknown, later program wrote is more.
    static let version: Int32 = 1

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        return migrator
    }

    /// The first version.
    ///
    /// Times are seconds since 1970; hashes have 32 bytes. Tables are strict, so that no row has a value of another type than its column.
    private static let first = """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), seconds INTEGER NOT NULL) STRICT;

        CREATE TABLE statements (
            hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
            content BLOB NOT NULL,
            type TEXT NOT NULL,
            namespace TEXT NOT NULL,
            subject TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            predecessor BLOB,
            issued INTEGER NOT NULL,
            received INTEGER NOT NULL,
            status TEXT NOT NULL,
            locked_until INTEGER,
            source TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX statements_by_subject ON statements (type, namespace, subject);
        CREATE INDEX statements_by_status ON statements (status);

        CREATE TABLE signatures (
            statement BLOB NOT NULL REFERENCES statements (hash),
            key TEXT NOT NULL,
            signature BLOB NOT NULL,
            received INTEGER NOT NULL,
            PRIMARY KEY (statement, key)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE current (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            statement BLOB NOT NULL REFERENCES statements (hash),
            version INTEGER NOT NULL,
            since INTEGER NOT NULL,
            withdrawn BLOB REFERENCES statements (hash),
            PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE stops (
            scope TEXT NOT NULL,
            name TEXT NOT NULL,
            statement BLOB NOT NULL,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (scope, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE wrapped_keys (
            place TEXT NOT NULL,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            box BLOB NOT NULL,
            PRIMARY KEY (place, id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE leases (
            id BLOB PRIMARY KEY CHECK (length(id) = 16),
            run TEXT NOT NULL,
            purpose TEXT NOT NULL,
            state TEXT NOT NULL,
            seconds INTEGER NOT NULL,
            iterations INTEGER NOT NULL,
            facts BLOB NOT NULL,
            begun INTEGER NOT NULL,
            renewed INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            renewals INTEGER NOT NULL,
            reason TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX live_leases ON leases (run) WHERE state = 'live';
        CREATE INDEX leases_by_end ON leases (state, expires);

        CREATE TABLE lease_assets (
            lease BLOB NOT NULL REFERENCES leases (id),
            asset TEXT NOT NULL,
            PRIMARY KEY (lease, asset)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX leases_by_asset ON lease_assets (asset);

        CREATE TABLE run_states (
            run TEXT PRIMARY KEY,
            counter INTEGER NOT NULL CHECK (counter >= 0),
            tag BLOB NOT NULL CHECK (length(tag) = 32),
            changed INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE runs_begun (
            policy TEXT NOT NULL,
            use TEXT NOT NULL,
            run TEXT NOT NULL,
            begun INTEGER NOT NULL,
            PRIMARY KEY (policy, use, run)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE collateral (
            name TEXT PRIMARY KEY,
            content BLOB NOT NULL,
            issued INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            imported INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE answers (
            id BLOB PRIMARY KEY,
            content BLOB NOT NULL,
            expires INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX answers_by_end ON answers (expires);

        CREATE TABLE audit_entries (
            number INTEGER PRIMARY KEY,
            content BLOB NOT NULL
        ) STRICT;
        CREATE TABLE audit_nodes (
            level INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hash BLOB NOT NULL CHECK (length(hash) = 32),
            PRIMARY KEY (level, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE audit_heads (
            size INTEGER PRIMARY KEY,
            content BLOB NOT NULL
        ) STRICT;

        PRAGMA user_version = 1;
        """
}
