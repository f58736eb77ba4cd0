/* Datagrams with descriptors. The host, the spawner and the keepers talk by them. A datagram that
 * is not as expected leaves no descriptor behind. */
#include "base/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t fd_count)
{
	union control control = {0};
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	assert(len > 0 && fd_count <= FDPASS_MAX);
	if (fd_count > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(fd_count * sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), fds, fd_count * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Whoever closes its end with a datagram unread makes the first read here fail, though what it
 * said before is still there to be read. */
static ssize_t receive(int sock, struct msghdr *msg)
{
	int resets = 0;
	ssize_t got;

	do
		got = recvmsg(sock, msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (got < 0 && errno == ECONNRESET)
		return 0;
	return got < 0 ? -errno : got;
}

static size_t take_fds(struct msghdr *msg, int fds[FDPASS_MAX])
{
	struct cmsghdr *head = CMSG_FIRSTHDR(msg);
	size_t bytes;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return 0;
	bytes = head->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(head), bytes);
	return bytes / sizeof(int);
}

int fdpass_recv(int sock, void *data, size_t len, int *fds, size_t *fd_count)
{
	union control control = {0};
	struct iovec iov = {data, len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int passed[FDPASS_MAX];
	size_t room = *fd_count;
	ssize_t got = receive(sock, &msg);

	*fd_count = 0;
	if (got <= 0)
		return (int)got;
	*fd_count = take_fds(&msg, passed);
	if ((size_t)got == len && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    *fd_count <= room) {
		for (size_t i = 0; i < *fd_count; i++)
			fds[i] = passed[i];
		return 1;
	}
	for (; *fd_count > 0; --*fd_count)
		close(passed[*fd_count - 1]);
	return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
}
