// The other side of bench/csv: `node peer.mjs polars|duckdb FILE`, commands as in csv_bench.cc ("read", "check").
import { createInterface } from "node:readline";

const [, , name, file] = process.argv;

async function polars() {
  const { default: pl } = await import("nodejs-polars");
  const dtypes = { id: pl.Int64, user: pl.Int32, price: pl.Float64, score: pl.Float64, title: pl.Utf8, review: pl.Utf8 };
  const read = () => pl.readCSV(file, { dtypes, nThreads: 1, rechunk: false });
  return {
    read,
    check: () => {
      const table = read();
      const bytes = (column) => table.getColumn(column).str.lengths().sum();
      return [table.height, ...["id", "user", "price", "score"].map((c) => table.getColumn(c).cast(pl.Float64).sum()),
        bytes("title"), bytes("review")];
    },
  };
}

async function duckdb() {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const read = () => connection.run(
    `create or replace table t as select * from read_csv('${file}', header = true, delim = ',', quote = '"',
     escape = '"', auto_detect = false, columns = {id: 'BIGINT', user: 'INTEGER', price: 'DOUBLE', score: 'DOUBLE',
     title: 'VARCHAR', review: 'VARCHAR'})`);
  return {
    read,
    check: async () => {
      await read();
      const result = await connection.runAndReadAll(
        `select count(*), sum(id::double), sum(user::double), sum(price), sum(score), sum(strlen(title)),
         sum(strlen(review)) from t`);
      return result.getRows()[0];
    },
  };
}

const side = await (name === "polars" ? polars() : duckdb());
for await (const command of createInterface({ input: process.stdin })) {
  if (command === "check") {
    console.log((await side.check()).join(" "));
  } else {
    globalThis.gc?.();
    const start = process.cpuUsage();
    await side.read();
    const used = process.cpuUsage(start);
    console.log((used.user + used.system) * 1000);
  }
}
