"""The programs that are compared, all set up for the same job: a key out of 1,000 is checked, a limit that is never
reached is counted per key, a JSON access-log line with the same fields is written through a buffer, and the call is
proxied over kept-alive connections. nginx does it with map and limit_req, HAProxy with map and stick-table (its only
log to a file is unbuffered), nginx+Lua in the shape of Kong: keys in a Lua table, counters in a shared dictionary, the
peer chosen by Lua, fields with the limit added to the answer by Lua. mlgate also counts a quota and the usage
reports."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import common

BACKEND = 19080
KEYS = [f"{i:032x}" for i in range(1, 1001)]
KEY_HEADER = "Ocp-Apim-Subscription-Key"
LARGE_BYTES = 1 << 20
MODULES = "/usr/lib/nginx/modules"
# By peer and number of workers; each has a port for HTTP/1.1, for HTTP/2 on clear text (but for mlgate, which knows by
# the first bytes) and for TLS.
PORTS = {("nginx", 1): 19100, ("nginx", 2): 19110, ("lua", 1): 19120, ("lua", 2): 19130, ("haproxy", 1): 19140,
         ("haproxy", 2): 19150, ("plain", 1): 19160, ("mlgate", 1): 19170, ("mlgate", 2): 19180}
CLEAR, H2, TLS, OTHER = 0, 1, 2, 3

LINE = ('{"timestamp":"$time_iso8601","isRequestSuccess":true,"correlationId":"$request_id",'
        '"method":"$request_method","url":"$scheme://$http_host$request_uri","responseCode":$status,'
        '"responseSize":$bytes_sent,"requestSize":$request_length,"cache":"none","cacheTime":0.000,'
        '"totalTime":$request_time,"clientTime":0.000,"callerIpAddress":"$remote_addr",'
        '"clientProtocol":"$server_protocol","clientTlsVersion":"$ssl_protocol","serviceName":"demoazureml",'
        '"apiId":"bench","apiRevision":"1","operationId":"get","productId":"bench",'
        '"apimSubscriptionId":"$user_id","backendResponseCode":$upstream_status,'
        '"backendTime":$upstream_response_time,"backendProtocol":"HTTP/1.1","backendMethod":"$request_method",'
        '"backendUrl":"http://127.0.0.1$request_uri"}')
HAPROXY_LINE = ('{"timestamp":"%tr","isRequestSuccess":true,"correlationId":"%ID","method":"%HM",'
                '"url":"http://%[capture.req.hdr(0)]%HU","responseCode":%ST,"responseSize":%B,"requestSize":%U,'
                '"cache":"none","cacheTime":0.000,"totalTime":%Ta,"clientTime":%TR,"callerIpAddress":"%ci",'
                '"clientProtocol":"%HV","clientTlsVersion":"%sslv","serviceName":"demoazureml","apiId":"bench",'
                '"apiRevision":"1","operationId":"get","productId":"bench","apimSubscriptionId":"%[var(txn.user)]",'
                '"backendResponseCode":%ST,"backendTime":%Tr,"backendProtocol":"HTTP/1.1","backendMethod":"%HM",'
                '"backendUrl":"http://%si:%sp%HU"}')
LUA_INIT = """
  lua_shared_dict counters 20m;
  init_by_lua_block {
    keys = {}
    for line in io.lines("%s") do
      local key, user = line:match("(%%S+) (%%S+)")
      keys[key] = user
    end
  }"""
LUA_ACCESS = """
      set $user_id "";
      access_by_lua_block {
        local user = keys[ngx.var.http_ocp_apim_subscription_key or ""]
        if not user then return ngx.exit(401) end
        local counters = ngx.shared.counters
        local window = math.floor(ngx.time() / 60)
        local count = counters:incr("rate:" .. user .. ":" .. window, 1, 0, 120)
        local used = counters:incr("quota:" .. user, 1, 0)
        if (count or 0) > 100000000 or (used or 0) > 2000000000 then return ngx.exit(429) end
        ngx.ctx.left = 100000000 - (count or 0)
        ngx.var.user_id = user
      }
      header_filter_by_lua_block {
        ngx.header["X-RateLimit-Limit-Minute"] = 100000000
        ngx.header["X-RateLimit-Remaining-Minute"] = ngx.ctx.left
      }"""
LUA_UPSTREAM = """server 0.0.0.1;
    balancer_by_lua_block {
      local balancer = require "ngx.balancer"
      balancer.set_current_peer("127.0.0.1", %d)
    }""" % BACKEND


def port_of(peer, workers, kind):
    if peer == "direct":
        return BACKEND
    return PORTS[peer, workers] + (CLEAR if peer == "mlgate" and kind == H2 else kind)


def wait_port(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


class Peers:
    """Starts what is asked for, once; everything ends with stop(). One worker has core 1, two have both cores; load
    generator and backend are on core 0."""

    def __init__(self, folder, binary):
        self.folder = Path(folder)
        self.processes = {}
        (self.folder / "keys.map").write_text("".join(f"{key} {i}\n" for i, key in enumerate(KEYS)))
        (self.folder / "large").write_bytes(b"x" * LARGE_BYTES)
        self.mlgate = Mlgate(self, binary)

    def open(self):
        self.backend()
        self.mlgate.set_up()

    def start(self, name, command, port, cores, stdin=None):
        log = open(self.folder / f"{'-'.join(map(str, name))}.out", "wb")
        process = subprocess.Popen(["taskset", "-c", cores, *command], stdin=stdin, stdout=log, stderr=log)
        self.processes[name] = process
        wait_port(port)
        return process

    def need(self, peer, workers):
        """The process of the peer with so many workers, started if it is not yet."""
        name = (peer, workers)
        if name not in self.processes:
            {"nginx": self.nginx, "plain": self.nginx, "lua": self.nginx, "haproxy": self.haproxy,
             "mlgate": self.mlgate.serve}[peer](name)
        return self.processes[name]

    def cpu_ns(self, peer, workers):
        return common.cpu_ns(common.children_of(self.processes[peer, workers].pid))

    def end(self, name):
        process = self.processes.pop(name)
        if process.stdin:
            process.stdin.close()  # It ends by itself, and says what it saw.
        else:
            process.send_signal(signal.SIGTERM)
        process.wait(30)

    def stop(self):
        for name in list(self.processes):
            self.end(name)

    def backend(self):
        config = self.folder / "backend.conf"
        config.write_text(f"""
daemon off; master_process off; worker_processes 1; pid {self.folder}/backend.pid; error_log {self.folder}/backend.err;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600; {self.temporary("backend")}
  server {{ listen 127.0.0.1:{BACKEND} backlog=4096; default_type application/json;
    location ~ /large$ {{ alias {self.folder}/large; }}
    location / {{ return 200 '{{"answer":"0123456789012345678901234567890123456789"}}'; }} }}
}}""")
        self.start(("backend", 1), ["nginx", "-c", str(config)], BACKEND, "0")

    def temporary(self, name):
        return " ".join(f"{kind}_temp_path {self.folder}/{name}-{kind};"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

    def nginx(self, name):
        """nginx, nginx+Lua, or (plain) one proxy hop that checks and logs nothing."""
        peer, workers = name
        port = PORTS[name]
        title = f"{peer}{workers}"
        pem, key = self.mlgate.data / "tls" / "server.pem", self.mlgate.data / "tls" / "server.key"
        users = " ".join(f'"{k}" "{i}";' for i, k in enumerate(KEYS))
        http, guard, upstream = "", "", f"server 127.0.0.1:{BACKEND};"
        log = f"{self.folder}/{title}.log line buffer=64k flush=1s"
        modules = ""
        if peer == "nginx":
            http = (f'map $http_ocp_apim_subscription_key $user_id {{ default ""; {users} }} '
                    "limit_req_zone $user_id zone=users:10m rate=1000000r/s;")
            guard = 'if ($user_id = "") { return 401; } limit_req zone=users burst=1000000 nodelay;'
        elif peer == "lua":
            modules = f"load_module {MODULES}/ndk_http_module.so; load_module {MODULES}/ngx_http_lua_module.so;"
            http = LUA_INIT % (self.folder / "keys.map")
            guard, upstream = LUA_ACCESS, LUA_UPSTREAM
        else:
            log = "off"
        line = f"log_format line escape=json '{LINE}';" if log != "off" else ""
        config = self.folder / f"{title}.conf"
        config.write_text(f"""
{modules} daemon off; master_process {'on' if workers > 1 else 'off'}; worker_processes {workers};
pid {self.folder}/{title}.pid; error_log {self.folder}/{title}.err; worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
  map_hash_bucket_size 128; map_hash_max_size 8192; keepalive_requests 100000000; keepalive_timeout 3600;
  {self.temporary(title)} client_body_buffer_size 128k; proxy_buffer_size 64k; proxy_buffers 16 64k;
  proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0; {line} {http}
  upstream backend {{ {upstream} keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port + CLEAR} backlog=4096; listen 127.0.0.1:{port + H2} http2 backlog=4096;
    listen 127.0.0.1:{port + TLS} ssl http2 backlog=4096; ssl_certificate {pem}; ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    access_log {log};
    location / {{ {guard}
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_pass http://backend;
    }}
  }}
}}""")
        self.start(name, ["nginx", "-c", str(config)], port, "1" if workers == 1 else "0,1")

    def haproxy(self, name):
        workers = name[1]
        port = PORTS[name]
        pem = self.folder / "haproxy.pem"
        tls = self.mlgate.data / "tls"
        pem.write_text((tls / "server.pem").read_text() + (tls / "server.key").read_text())
        line = HAPROXY_LINE.replace('"', '\\"')
        config = self.folder / f"haproxy{workers}.cfg"
        config.write_text(f"""
global
  nbthread {workers}
  maxconn 8000
  log stderr format raw local0
defaults
  mode http
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  http-reuse always
  option http-keep-alive
frontend front
  bind 127.0.0.1:{port + CLEAR} backlog 4096
  bind 127.0.0.1:{port + TLS} ssl crt {pem} backlog 4096
  log global
  unique-id-format %[uuid]
  capture request header Host len 64
  log-format "{line}"
  http-request set-var(txn.user) req.hdr({KEY_HEADER.lower()}),map_str({self.folder}/keys.map)
  http-request deny deny_status 401 unless {{ var(txn.user) -m found }}
  http-request track-sc0 var(txn.user) table users
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000000 }}
  option forwardfor
  default_backend back
backend back
  server one 127.0.0.1:{BACKEND} maxconn 4096 pool-max-conn 512
backend users
  stick-table type string len 16 size 100k expire 60s store http_req_rate(60s)
""")
        self.start(name, ["haproxy", "-f", str(config), "-db"], port, "1" if workers == 1 else "0,1")


class Mlgate:
    """A real mlgate, set up through its management REST; each number of workers has its own copy of the data."""

    def __init__(self, peers, binary):
        self.peers, self.binary = peers, binary
        self.data = peers.folder / "data"
        self.console = PORTS["mlgate", 1] + OTHER

    def set_up(self):
        flags = self.flags(self.data, 1)
        subprocess.run([self.binary, "init", *flags], check=True, stdout=subprocess.DEVNULL)
        self.credentials = json.loads((self.data / "credentials.json").read_text())
        self.serve(("mlgate", 1))
        wait_port(self.console)
        # The tutorial makes the web service, its API and the Starter product; the benchmark adds its own.
        tutorial = subprocess.run([self.binary, "tutorial", *flags], capture_output=True, text=True)
        if tutorial.returncode != 0:
            raise SystemExit("the tutorial failed:\n" + tutorial.stdout + tutorial.stderr)
        self.token = self.get_token()
        self.make_entities()
        self.peers.end(("mlgate", 1))
        shutil.copytree(self.data, self.peers.folder / "data2", ignore=shutil.ignore_patterns("*.sock"))

    @staticmethod
    def flags(data, workers):
        port = PORTS["mlgate", workers]
        return ["--data", str(data), "--workers", str(workers), "--gateway.http_port", str(port + CLEAR),
                "--gateway.https_port", str(port + TLS), "--console.http_port", str(port + OTHER),
                "--console.https_port", "0", "--services.http_port", str(port + OTHER + 1),
                "--services.https_port", "0", "--blob.http_port", "0", "--blob.https_port", "0"]

    def serve(self, name, cores=None):
        workers = name[1]
        data = self.data if workers == 1 else self.peers.folder / "data2"
        self.peers.start(name, [self.binary, "serve", *self.flags(data, workers)], PORTS[name],
                         cores or ("1" if workers == 1 else "0,1"))

    def request(self, method, url, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data=data, method=method,
                                         headers={"Content-Type": "application/json", **(headers or {})})
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def get_token(self):
        c = self.credentials
        form = f"grant_type=client_credentials&client_id={c['clientId']}&client_secret={c['clientSecret']}"
        request = urllib.request.Request(f"http://127.0.0.1:{self.console}/{c['tenantId']}/oauth2/v2.0/token",
                                         data=form.encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["access_token"]

    def arm(self, method, path, body=None):
        c = self.credentials
        base = (f"http://127.0.0.1:{self.console}/subscriptions/{c['subscriptionId']}/resourceGroups/mlgate"
                "/providers/Microsoft.ApiManagement/service/demoazureml")
        return self.request(method, f"{base}{path}?api-version=2022-08-01", body,
                            {"Authorization": f"Bearer {self.token}"})

    def make_entities(self):
        self.arm("PUT", "/products/bench", {"properties": {"displayName": "Bench", "state": "published",
                                                           "subscriptionRequired": True}})
        self.arm("PUT", "/apis/bench", {"properties": {
            "displayName": "Bench", "path": "bench", "protocols": ["http", "https"],
            "serviceUrl": f"http://127.0.0.1:{BACKEND}"}})
        for name, verb, template in (("get", "GET", "/item"), ("post", "POST", "/item"), ("large", "GET", "/large")):
            self.arm("PUT", f"/apis/bench/operations/{name}",
                     {"properties": {"displayName": name, "method": verb, "urlTemplate": template,
                                     "templateParameters": []}})
        self.arm("PUT", "/products/bench/apis/bench")
        demo = next(api for api in self.arm("GET", "/apis")["value"] if api["properties"]["path"] == "azureml-demo")
        demo["properties"]["protocols"] = ["http", "https"]
        self.arm("PUT", f"/apis/{demo['name']}", {"properties": demo["properties"]})
        self.arm("PUT", f"/products/bench/apis/{demo['name']}")
        self.arm("PUT", "/products/bench/policies/policy", {"properties": {"format": "rawxml", "value":
            "<policies><inbound><base /><rate-limit calls=\"100000000\" renewal-period=\"300\" />"
            "<quota calls=\"2000000000\" renewal-period=\"604800\" /></inbound>"
            "<backend><base /></backend><outbound><base /></outbound></policies>"}})
        for i, key in enumerate(KEYS):
            self.arm("PUT", f"/subscriptions/bench-{i}",
                     {"properties": {"scope": "/products/bench", "displayName": f"bench {i}", "state": "active",
                                     "primaryKey": key, "secondaryKey": "f" + key[1:]}})

    def hosted_call(self):
        """Path and fields of the tutorial's service as a managed API, answered in process."""
        service = json.loads((self.data / "tutorial.json").read_text())
        path = (f"/azureml-demo/workspaces/{service['workspace']}/services/{service['service']}/execute"
                "?api-version=2.0&details=true")
        return path, [("Content-Type", "application/json"), ("Authorization", "Bearer " + service["apiKey"])]
