/* The floor under every plugin host: two processes that pass frames over pipes and do nothing else.
 *
 *	pipe pipe|socketpair BYTES DEPTH FRAMES     prints: frames/s p50_ns p99_ns cpu_us/frame
 *
 * A frame is a length of four bytes and that many bytes. The child reads all that is there and
 * writes it back at once; the parent waits in epoll, keeps DEPTH frames in flight, reads all,
 * writes all. So with DEPTH 1 it is a ping-pong through epoll. CPU is that of both. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PREFIX	   4
#define PIPE_BYTES (256 << 10)

struct ends {
	int read_fd;
	int write_fd;
};

struct parent {
	struct ends ends;
	int epoll;
	size_t frame_bytes;
	long depth;
	long frames;
	long sent;
	long got;
	uint8_t *out; /* what is to be written: out[written .. queued) */
	size_t queued;
	size_t written;
	uint8_t *in;
	size_t in_bytes; /* of the frame that has begun */
	int64_t *sent_ns;
	uint32_t *latency_ns;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static double cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			_exit(0);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

/* Gives back what it reads, whole frames or not: that is all a peer without a protocol can do. */
static void serve(struct ends ends)
{
	uint8_t *buffer = malloc(PIPE_BYTES);
	ssize_t n;

	while (buffer && (n = read(ends.read_fd, buffer, PIPE_BYTES)) > 0)
		write_all(ends.write_fd, buffer, (size_t)n);
	_exit(0);
}

static void open_ends(const char *transport, struct ends *parent, struct ends *child)
{
	int a[2], b[2];

	if (strcmp(transport, "socketpair") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) < 0)
			die("socketpair");
		*parent = (struct ends){a[0], a[0]};
		*child = (struct ends){a[1], a[1]};
		return;
	}
	if (pipe(a) < 0 || pipe(b) < 0)
		die("pipe");
	fcntl(a[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(b[1], F_SETPIPE_SZ, PIPE_BYTES);
	*parent = (struct ends){b[0], a[1]};
	*child = (struct ends){a[0], b[1]};
}

static void fill(struct parent *parent)
{
	if (parent->written == parent->queued)
		parent->written = parent->queued = 0;
	while (parent->sent - parent->got < parent->depth && parent->sent < parent->frames) {
		uint8_t *frame = parent->out + parent->queued;
		uint32_t len = (uint32_t)(parent->frame_bytes - PREFIX);

		if (parent->queued + parent->frame_bytes >
		    parent->frame_bytes * (size_t)parent->depth)
			return;
		memcpy(frame, &len, PREFIX);
		parent->queued += parent->frame_bytes;
		parent->sent_ns[parent->sent++ % parent->depth] = now_ns();
	}
}

static void flush(struct parent *parent)
{
	ssize_t n = write(parent->ends.write_fd, parent->out + parent->written,
			  parent->queued - parent->written);

	if (n > 0)
		parent->written += (size_t)n;
	else if (n < 0 && errno != EAGAIN)
		die("write");
}

static void take(struct parent *parent, size_t bytes)
{
	parent->in_bytes += bytes;
	while (parent->in_bytes >= parent->frame_bytes && parent->got < parent->frames) {
		parent->in_bytes -= parent->frame_bytes;
		parent->latency_ns[parent->got] =
			(uint32_t)(now_ns() - parent->sent_ns[parent->got % parent->depth]);
		parent->got++;
	}
}

static void run(struct parent *parent)
{
	while (parent->got < parent->frames) {
		struct epoll_event event;
		ssize_t n;

		fill(parent);
		if (parent->written < parent->queued)
			flush(parent);
		if (epoll_wait(parent->epoll, &event, 1,
			       parent->written < parent->queued ? 0 : -1) < 1)
			continue;
		n = read(parent->ends.read_fd, parent->in, PIPE_BYTES);
		if (n > 0)
			take(parent, (size_t)n);
	}
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void prepare(struct parent *parent)
{
	struct epoll_event event = {.events = EPOLLIN};

	parent->epoll = epoll_create1(EPOLL_CLOEXEC);
	fcntl(parent->ends.read_fd, F_SETFL, O_NONBLOCK);
	fcntl(parent->ends.write_fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(parent->epoll, EPOLL_CTL_ADD, parent->ends.read_fd, &event) < 0)
		die("epoll_ctl");
	parent->out = calloc((size_t)parent->depth, parent->frame_bytes);
	parent->in = malloc(PIPE_BYTES);
	parent->sent_ns = calloc((size_t)parent->depth, sizeof(*parent->sent_ns));
	parent->latency_ns = calloc((size_t)parent->frames, sizeof(*parent->latency_ns));
	if (!parent->out || !parent->in || !parent->sent_ns || !parent->latency_ns)
		die("memory");
}

int main(int argc, char **argv)
{
	struct parent parent = {0};
	struct ends child;
	int64_t begin_ns;
	double cpu, seconds;
	pid_t pid;

	if (argc != 5) {
		fprintf(stderr, "usage: pipe pipe|socketpair BYTES DEPTH FRAMES\n");
		return 2;
	}
	parent.frame_bytes = PREFIX + (size_t)atol(argv[2]);
	parent.depth = atol(argv[3]);
	parent.frames = atol(argv[4]);
	open_ends(argv[1], &parent.ends, &child);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(parent.ends.write_fd);
		close(parent.ends.read_fd);
		serve(child);
	}
	close(child.read_fd);
	close(child.write_fd);
	prepare(&parent);
	cpu = cpu_us(RUSAGE_SELF);
	begin_ns = now_ns();
	run(&parent);
	seconds = (double)(now_ns() - begin_ns) / 1e9;
	cpu = cpu_us(RUSAGE_SELF) - cpu;
	close(parent.ends.write_fd);
	close(parent.ends.read_fd);
	waitpid(pid, NULL, 0);
	cpu += cpu_us(RUSAGE_CHILDREN);
	qsort(parent.latency_ns, (size_t)parent.frames, sizeof(uint32_t), compare_u32);
	printf("%.0f %u %u %.3f\n", (double)parent.frames / seconds,
	       parent.latency_ns[parent.frames / 2], parent.latency_ns[parent.frames * 99 / 100],
	       cpu / (double)parent.frames);
	return 0;
}
