#!/usr/bin/env bash
# kysely-codegen finds a type for every column, and TypeScript compiles them.
set -eu
modules=$(realpath "${NODE_CLIENTS:-$(dirname "$0")/node_modules}")
cd "$scratch" && rm -rf kysely && mkdir kysely && cd kysely && ln -s "$modules" node_modules
node_modules/.bin/kysely-codegen --dialect postgres --default-schema finance --include-pattern 'finance.*' --out-file db.d.ts \
	--url "postgres://$PGUSER:x@localhost/$PGDATABASE?host=$PGHOST"
node_modules/.bin/tsc --noEmit --strict --skipLibCheck --target es2022 --module nodenext --moduleResolution nodenext db.d.ts
unknown=$(grep -cE ': unknown' db.d.ts || true)
echo "$(grep -c '^export interface' db.d.ts) interfaces, $unknown columns of unknown type"
[ "$unknown" = 0 ]
