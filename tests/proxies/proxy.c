/* proxy.c - the three proxies, each as its example says. */
#include "proxies/proxy.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STARTS 5 /* a port that is free may be taken before the proxy has it */

struct kind {
	const char *name;
	const char *example;
	void (*configure)(struct proxy *proxy, char *text);
	const char *options[8];
	int code; /* with which it ends after SIGTERM */
};

/* ---- What they stand on -------------------------------------------------------------------- */

/* Where servers are, which is not in everybody's PATH. */
static const char *path(void)
{
	return text_of("PATH=%s:/usr/local/sbin:/usr/sbin", getenv("PATH"));
}

static bool is_installed(const char *program)
{
	return program_run((const char *const[]){ "env", path(), "which", program, NULL }).code ==
	       0;
}

/* One for the whole program: the certificate and its key, alone and together. */
static const char *make_certificate(void)
{
	static const char *both;
	const char *key = scratch_path("key.pem");
	const char *certificate = scratch_path("certificate.pem");
	const char *subject;
	const char *name;
	struct finished made;

	if (both)
		return certificate;
	subject = text_of("/CN=%s", PROXY_NAME);
	name = text_of("subjectAltName=DNS:%s", PROXY_NAME);
	made = program_run((const char *const[]){
		"openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:prime256v1", "-subj", subject, "-addext", name, "-keyout", key,
		"-out", certificate, NULL });
	if (made.code != 0)
		give_up(made.err);
	both = scratch_write("both.pem", "%s%s", file_read(certificate), file_read(key));
	return certificate;
}

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(number, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(number, (struct sockaddr *)&address, &size) < 0)
		give_up("a free port");
	close(number);
	return ntohs(address.sin_port);
}

/* All of them; the example must have one. */
static char *replace(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	if (!at)
		give_up(text_of("an example in etc/proxies has no \"%s\"", from));
	for (; at; at = strstr(at, from)) {
		char *whole = text_of("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));

		at = whole + (at - text) + strlen(to);
		text = whole;
	}
	return text;
}

/* ---- Each proxy's own ---------------------------------------------------------------------- */

static void configure_nginx(struct proxy *proxy, char *text)
{
	static const char *const kinds[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };
	char *paths = text_of("%s", geteuid() == 0 ? "user root;\n" : "");

	text = replace(text, "listen 443", text_of("listen 127.0.0.1:%d", proxy->port));
	text = replace(text, "/etc/ssl/www.example.com.pem", proxy->certificate);
	text = replace(text, "/etc/ssl/www.example.com.key", scratch_path("key.pem"));
	scratch_write("tenon.conf", "%s", text);
	paths = text_of("%spid %s;\nevents {}\nhttp {\naccess_log off;\n", paths,
	                scratch_path("nginx.pid"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		paths = text_of("%s%s_temp_path %s;\n", paths, kinds[i], scratch_path(kinds[i]));
	scratch_write("proxy.conf",
	              "daemon off;\nmaster_process off;\nerror_log stderr;\n%s"
	              "include %s;\n}\n",
	              paths, scratch_path("tenon.conf"));
}

static void configure_haproxy(struct proxy *proxy, char *text)
{
	text = replace(text, "bind :443", text_of("bind 127.0.0.1:%d", proxy->port));
	text = replace(text, "/etc/ssl/www.example.com.pem", scratch_path("both.pem"));
	scratch_write("proxy.conf", "%s", text);
}

static void configure_caddy(struct proxy *proxy, char *text)
{
	text = replace(text, "\n" PROXY_NAME " {\n",
	               text_of("\n" PROXY_NAME ", a {\n\tbind 127.0.0.1\n\ttls %s %s\n",
	                       proxy->certificate, scratch_path("key.pem")));
	scratch_write("proxy.conf",
	              "{\n\tadmin off\n\tauto_https off\n"
	              "\thttps_port %d\n\tstorage file_system %s\n"
	              "\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n%s",
	              proxy->port, scratch_path("caddy"), text);
}

static const struct kind kinds[PROXIES] = {
	{ "nginx",
	  "etc/proxies/nginx.conf",
	  configure_nginx,
	  { "-e", "stderr", "-c", "FILE" },
	  0 },
	{ "haproxy",
	  "etc/proxies/haproxy.cfg",
	  configure_haproxy,
	  { "-db", "-f", "FILE" },
	  -SIGTERM },
	{ "caddy",
	  "etc/proxies/Caddyfile",
	  configure_caddy,
	  { "run", "--adapter", "caddyfile", "--config", "FILE" },
	  0 },
};

/* ---- Starting and ending ------------------------------------------------------------------- */

static struct host *start_host(const struct host_options *options)
{
	return host_start_with(scratch_write("tenon.ini",
	                                     "[host]\n"
	                                     "listen = 127.0.0.1:0\n"
	                                     "trusted = 127.0.0.1\n"
	                                     "max_head = %d\n"
	                                     "max_body = %d\n"
	                                     "[worker witness]\n"
	                                     "module = %s\n"
	                                     "route = /*\n"
	                                     "service.next = echo\n"
	                                     "[worker echo]\n"
	                                     "module = %s\n",
	                                     PROXY_HEAD, PROXY_BODY, fixture("serve_witness"),
	                                     fixture("serve_echo")),
	                       options);
}

static bool accepts(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons((in_port_t)port),
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = connect(number, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(number);
	return good;
}

static bool is_ready(struct proxy *proxy)
{
	long long end = now_ms() + deadline_ms();

	while (!accepts(proxy->port)) {
		if (host_has_ended(proxy->process) || now_ms() > end)
			return false;
		nap();
	}
	return !host_has_ended(proxy->process);
}

static void spawn(struct proxy *proxy, const struct kind *kind)
{
	const char *words[12] = { "env", path(), text_of("HOME=%s", scratch_directory()),
		                  kind->name };

	proxy->port = free_port();
	kind->configure(proxy, replace(file_read(kind->example), "127.0.0.1:8080",
	                               proxy->host->authority));
	for (size_t i = 0; kind->options[i]; i++)
		words[i + 4] = strcmp(kind->options[i], "FILE") != 0 ? kind->options[i]
		                                                     : scratch_path("proxy.conf");
	proxy->process = program_spawn(words);
}

struct proxy *proxy_start(size_t number, const struct host_options *options)
{
	const struct kind *kind = &kinds[number];
	struct proxy *proxy = memory_of(sizeof(*proxy));

	if (!is_installed(kind->name) || !is_installed("openssl")) {
		printf("skipped: there is no %s, or no openssl: make proxies\n", kind->name);
		return NULL;
	}
	proxy->name = kind->name;
	proxy->certificate = make_certificate();
	proxy->host = start_host(options);
	for (int i = 0; i < STARTS; i++) {
		spawn(proxy, kind);
		if (is_ready(proxy))
			return proxy;
		host_signal(proxy->process, SIGKILL);
		host_wait(proxy->process);
	}
	give_up(text_of("%s does not listen:\n%s", kind->name, host_log(proxy->process)));
}

static int code_of(const struct proxy *proxy)
{
	for (size_t i = 0; i < PROXIES; i++)
		if (!strcmp(kinds[i].name, proxy->name))
			return kinds[i].code;
	return -1;
}

void proxy_end(struct proxy *proxy)
{
	host_signal(proxy->process, SIGTERM);
	if (!CHECK_NUMBER(host_wait(proxy->process), code_of(proxy)))
		printf("\t%s:\n%s", proxy->name, host_log(proxy->process));
	host_end(proxy->host);
}

struct http_client *proxy_client(const struct proxy *proxy, bool http2)
{
	return http_open_secure(&(struct http_secure){ .name = PROXY_NAME,
	                                               .port = proxy->port,
	                                               .certificates = proxy->certificate,
	                                               .from = PROXY_CLIENT,
	                                               .http2 = http2 });
}
