// Lets what listens on port 3000 listen on another one, on loopback: for lines of a README that are run as they stand.

import { Server } from "node:net";

const listen = Server.prototype.listen;
Server.prototype.listen = function (where, ...rest) {
  const elsewhere = { port: Number(process.env.OTHER_PORT), host: "127.0.0.1" };
  const is3000 = where === 3000 || where?.port === 3000;
  return listen.call(
    this,
    is3000 ? elsewhere : where,
    ...rest.filter((value) => (is3000 ? typeof value === "function" : true)),
  );
};
