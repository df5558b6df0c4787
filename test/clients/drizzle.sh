#!/usr/bin/env bash
# drizzle-kit introspects the books into a schema that TypeScript compiles, but for
# what drizzle-kit itself cannot say yet: defaults of text that are functions (it
# copies actor() and SESSION_USER bare), bytea (unknown), keys that go in a circle.
set -eu
modules=$(realpath "${NODE_CLIENTS:-$(dirname "$0")/node_modules}")
cd "$scratch" && rm -rf drizzle && mkdir drizzle && cd drizzle && ln -s "$modules" node_modules
cat >drizzle.config.ts <<END
export default { dialect: "postgresql", out: "./out", schemaFilter: ["finance"],
	dbCredentials: { host: "$PGHOST", port: ${PGPORT:-5432}, user: "$PGUSER", password: "x", database: "$PGDATABASE", ssl: false } };
END
node_modules/.bin/drizzle-kit introspect --config drizzle.config.ts
errors=$(node_modules/.bin/tsc --noEmit --strict --skipLibCheck --target es2022 --module nodenext --moduleResolution nodenext out/schema.ts out/relations.ts || true)
errors=$(grep -vE "TS2304: Cannot find name '(actor|SESSION_USER)'|TS2693: 'unknown' only|TS70(22|24): " <<<"$errors" || true)
echo "$errors"
echo "$(grep -c 'finance.table(' out/schema.ts) tables, $(grep -c 'finance.view(' out/schema.ts) views, $(grep -c 'error TS' <<<"$errors") errors of TypeScript that are ours"
[ -z "$errors" ]
