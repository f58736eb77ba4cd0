/* How many calls a plugin can run at once, learned from how long they take. Samples are gathered
 * for a window, so that one slow call decides nothing; at its end the limit moves a fifth of the
 * way to where the gradient points. */
#include "dispatch/adaptive.h"

#define WINDOW_MS   100
#define MIN_SAMPLES 10

/* Slower than usual by less than this is noise. */
#define TOLERANCE 1.5

/* No window halves the limit more than once. */
#define STEEPEST  0.5
#define SMOOTHING 0.2

/* What is usual follows slowly, over about so many windows, and comes down faster when calls were
 * usually much slower: then the plugin was overloaded when it was learned. */
#define MEMORY	   600
#define STALE	   2.0
#define FORGETTING 0.95

void adaptive_init(struct adaptive *adaptive, unsigned most)
{
	*adaptive = (struct adaptive){.limit = most};
}

static double clamp(double value, double least, double most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

static void learn_usual(struct adaptive *adaptive, double now_us)
{
	if (adaptive->usual_us == 0)
		adaptive->usual_us = now_us;
	adaptive->usual_us += (now_us - adaptive->usual_us) / MEMORY;
	if (adaptive->usual_us > now_us * STALE)
		adaptive->usual_us *= FORGETTING;
}

/* Room to find out whether more would do. */
static double headroom(double limit)
{
	return 1 + limit / 16;
}

static void end_window(struct adaptive *adaptive, unsigned most)
{
	double now_us = adaptive->sum_us / adaptive->count;
	double gradient, aim;

	if (now_us < 1)
		now_us = 1;
	learn_usual(adaptive, now_us);
	/* Whoever doesn't use his limit can't learn whether it is right. */
	if (adaptive->most_running < adaptive->limit / 2)
		return;
	gradient = clamp(TOLERANCE * adaptive->usual_us / now_us, STEEPEST, 1);
	aim = adaptive->limit * gradient + headroom(adaptive->limit);
	adaptive->limit = clamp(adaptive->limit + SMOOTHING * (aim - adaptive->limit), 1, most);
}

unsigned adaptive_learn(struct adaptive *adaptive, unsigned most, unsigned running, int64_t took_us,
			int64_t now_ms)
{
	if (adaptive->count == 0)
		adaptive->window_end_ms = now_ms + WINDOW_MS;
	adaptive->count++;
	adaptive->sum_us += (double)took_us;
	if (running > adaptive->most_running)
		adaptive->most_running = running;
	if (now_ms >= adaptive->window_end_ms && adaptive->count >= MIN_SAMPLES) {
		end_window(adaptive, most);
		adaptive->count = 0;
		adaptive->sum_us = 0;
		adaptive->most_running = 0;
	}
	adaptive->limit = clamp(adaptive->limit, 1, most);
	return (unsigned)adaptive->limit;
}
