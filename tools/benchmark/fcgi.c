/* The FastCGI process behind nginx for tools/bench: gives the body back, or "hello world".
 *
 *	fcgi SOCKET THREADS
 *
 * libfcgi serves one connection at a time in each thread, so there are as many threads as nginx
 * keeps connections. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BACKLOG	    1024
#define PIECE_BYTES (16 << 10)

static void copy_body(FCGX_Request *request, long left)
{
	char piece[PIECE_BYTES];

	while (left > 0) {
		int len = FCGX_GetStr(piece, left < PIECE_BYTES ? (int)left : PIECE_BYTES,
				      request->in);

		if (len <= 0)
			return;
		FCGX_PutStr(piece, len, request->out);
		left -= len;
	}
}

static void answer(FCGX_Request *request)
{
	const char *length = FCGX_GetParam("CONTENT_LENGTH", request->envp);
	long left = length ? atol(length) : 0;

	FCGX_PutS("Content-Type: text/plain\r\n\r\n", request->out);
	if (left > 0)
		copy_body(request, left);
	else
		FCGX_PutS("hello world\n", request->out);
}

static void *serve(void *argument)
{
	const int *listener = argument;
	FCGX_Request request;

	if (FCGX_InitRequest(&request, *listener, 0) != 0)
		return NULL;
	while (FCGX_Accept_r(&request) == 0) {
		answer(&request);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int listener;

	if (argc != 3) {
		fprintf(stderr, "usage: fcgi SOCKET THREADS\n");
		return 2;
	}
	if (FCGX_Init() != 0)
		return 1;
	listener = FCGX_OpenSocket(argv[1], BACKLOG);
	if (listener < 0)
		return 1;
	chmod(argv[1], 0666); /* nginx's worker may be another user */
	for (int i = 1; i < atoi(argv[2]); i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve, &listener) != 0)
			return 1;
	}
	serve(&listener);
	return 0;
}
