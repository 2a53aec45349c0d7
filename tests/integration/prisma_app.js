// An application with the README's lines: /slow?s=3 sleeps in the database, /metrics tells of its pool. It prints each error that it
// answers with, as applications do: with its stack, or as JSON.
const { pool, prisma } = require(process.env.RECIPE);
let timeouts = 0;

const page = () => `# TYPE app_db_pool_timeouts_total counter
app_db_pool_timeouts_total{pool="main"} ${timeouts}
# TYPE app_db_pool_pending gauge
app_db_pool_pending{pool="main"} ${pool.waitingCount}
`;

require("node:http").createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  if (url.pathname === "/metrics") {
    return response.end(page());
  }
  try {
    await prisma.$queryRawUnsafe(`select pg_sleep(${Number(url.searchParams.get("s"))})::text`);
    response.end("ok\n");
  } catch (error) {
    timeouts += /timeout exceeded when trying to connect/.test(error.message);
    if (process.env.JSON_LOG) {
      console.log(JSON.stringify({ level: "error", time: new Date().toISOString(), name: error.name, msg: error.message }));
    } else {
      console.error(error);
    }
    response.statusCode = 503;
    response.end(`${error.message}\n`);
  }
}).listen(Number(process.env.PORT), "127.0.0.1", 511, () => console.log("listening"));
