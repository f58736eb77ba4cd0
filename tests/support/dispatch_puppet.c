/* A puppet: a plugin's process without a will. It connects to the Unix socket that its argument
 * names and passes its channel on, both ways, so that the test there plays the plugin. It ends when
 * either side does. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int string_fd;

static void relay(int from, int to)
{
	static _Thread_local char bytes[65536];
	ssize_t len;

	while ((len = read(from, bytes, sizeof(bytes))) > 0) {
		for (ssize_t done = 0, n; done < len; done += n) {
			n = write(to, bytes + done, (size_t)(len - done));
			if (n <= 0)
				_exit(1);
		}
	}
	_exit(0);
}

static void *relay_down(void *nothing)
{
	relay(STDIN_FILENO, string_fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pthread_t thread;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	string_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(string_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 3;
	if (pthread_create(&thread, NULL, relay_down, NULL) != 0)
		return 4;
	relay(string_fd, STDOUT_FILENO);
	return 0;
}
