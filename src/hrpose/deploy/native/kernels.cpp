// A network as a straight line of steps over maps, run by the threads of one OpenMP region.
//
// Maps lie pixel by pixel, channels last and filled up with zeros to whole vectors. Steps that do not need one another
// make a wave: the branches of an HRNet are computed side by side, and threads wait for each other only between waves.
// Each step is cut into chunks, which the threads take in turn.
//
// 3x3 convolutions of stride 1 use Winograd's minimal filtering (Lavin and Gray, CVPR 2016): F(4x4, 3x3) needs 36
// products where 144 are usual, F(2x2, 3x3) 16 where 36 are. All others are sums of products as they stand.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <omp.h>

#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 12;  // 24 sums, two weights and a value in 32 registers
#elif defined(__AVX__)
constexpr int LANES = 8, ROWS = 6;  // 12 sums, two weights and a value in 16 registers
#else
constexpr int LANES = 4, ROWS = 12;
#endif
constexpr int MOST_INPUTS = 6;
constexpr int MOST_CHANNELS = 8192;

typedef float Vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int64_t i64;

struct Map {  // strides count floats
    float* data;
    i64 height, width, channels, image, row, pixel, channel;
};

struct Segment {  // products that follow one another: `length` channels of the pixel at (y, x) from the first one
    i64 y, x, channel, length, weight;
};

struct Panel {  // neighbouring output channels that are computed together
    i64 vectors, channel, first_segment, last_segment, weight;
};

struct Step {
    i64 kind, wave, chunks, images, inputs, relu, stride, block, panels, panels_a_chunk, depth, window, padding, align;
    Map in[MOST_INPUTS], out;
    const float *weight, *bias;
    const Segment* segment;
    const Panel* panel;
};

enum Kind { CONV, WINOGRAD_2, WINOGRAD_4, SUM, COPY, AFFINE, MAXIMUM, AVERAGE, BILINEAR, MEAN, PRODUCT, SIGMOID };  // as in operations.py

static float zeros[MOST_CHANNELS];

static inline Vec load(const float* from) { return *reinterpret_cast<const Vec*>(from); }
static inline void store(float* to, Vec value) { *reinterpret_cast<Vec*>(to) = value; }
static inline Vec positive(Vec value) { return value < 0.0f ? Vec{} : value; }  // NaN stays
static inline i64 least(i64 a, i64 b) { return a < b ? a : b; }
static inline float* at(const Map& map, i64 image, i64 y, i64 x) {
    return map.data + image * map.image + y * map.row + x * map.pixel;
}

// sums[r][v] += a[r][0..depth) times the columns of b
template <int V>
static inline __attribute__((always_inline)) void multiply(
    const float* const (&a)[ROWS], const float* b, i64 depth, Vec (&sums)[ROWS][V]) {
    for (i64 k = 0; k < depth; ++k, b += V * LANES) {
        Vec w[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) w[v] = load(b + v * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; ++r) {
            const float x = a[r][k];
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) sums[r][v] += x * w[v];
        }
    }
}

// ---- convolution as it stands: pixels first..last of all images, one panel ----

template <int V>
static void conv_panel(const Step& step, const Panel& panel, i64 first, i64 last) {
    const Map &in = step.in[0], &out = step.out;
    const i64 area = out.height * out.width;
    for (i64 i = first; i < last; i += ROWS) {
        i64 top[ROWS], left[ROWS];
        const float* image[ROWS];
        float* to[ROWS];
        const float* more[ROWS];
        i64 n = i / area, y = i % area / out.width, x = i % out.width;
        for (int r = 0; r < ROWS; ++r) {  // those after the last are the last once more
            top[r] = y * step.stride;
            left[r] = x * step.stride;
            image[r] = in.data + n * in.image;
            to[r] = at(out, n, y, x) + panel.channel;
            more[r] = step.inputs > 1 ? at(step.in[1], n, y, x) + panel.channel : nullptr;
            for (int v = 0; v < V; ++v) {  // on their way while the sums are made
                __builtin_prefetch(to[r] + v * LANES, 1);
                if (more[r]) __builtin_prefetch(more[r] + v * LANES);
            }
            if (i + r + 1 < last && ++x == out.width) {
                x = 0;
                if (++y == out.height) y = 0, ++n;
            }
        }
        Vec sums[ROWS][V];
        for (int r = 0; r < ROWS; ++r)
            for (int v = 0; v < V; ++v) sums[r][v] = load(step.bias + panel.channel + v * LANES);
        for (i64 s = panel.first_segment; s < panel.last_segment; ++s) {
            const Segment& segment = step.segment[s];
            const float* a[ROWS];
            for (int r = 0; r < ROWS; ++r) {
                const i64 y = top[r] + segment.y, x = left[r] + segment.x;
                const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
                a[r] = inside ? image[r] + y * in.row + x * in.pixel + segment.channel : zeros;
            }
            multiply<V>(a, step.weight + segment.weight, segment.length, sums);
        }
        const int rows = (int)least(ROWS, last - i);
        for (int r = 0; r < ROWS; ++r) {
            if (r >= rows) break;
            for (int v = 0; v < V; ++v) {
                Vec y = sums[r][v];
                if (more[r]) y += load(more[r] + v * LANES);
                store(to[r] + v * LANES, step.relu ? positive(y) : y);
            }
        }
    }
}

static void conv(const Step& step, i64 chunk) {
    const i64 groups = (step.panels + step.panels_a_chunk - 1) / step.panels_a_chunk;
    const i64 first = chunk / groups * step.block, group = chunk % groups * step.panels_a_chunk;
    const i64 last = least(first + step.block, step.images * step.out.height * step.out.width);
    for (i64 p = group; p < least(group + step.panels_a_chunk, step.panels); ++p) {
        const Panel& panel = step.panel[p];
        panel.vectors == 2 ? conv_panel<2>(step, panel, first, last) : conv_panel<1>(step, panel, first, last);
    }
}

// ---- Winograd: tiles of M x M results, from (M + 2) x (M + 2) pixels ----

template <int M> struct Filter;

template <> struct Filter<2> {
    static inline void forward(const Vec (&d)[4], Vec (&t)[4]) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
    }
    static inline void back(const Vec (&m)[4], Vec (&y)[2]) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] - m[3];
    }
};

template <> struct Filter<4> {
    static inline void forward(const Vec (&d)[6], Vec (&t)[6]) {
        const Vec even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
        const Vec close = d[4] - d[2], twice = 2.0f * (d[3] - d[1]);
        t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
        t[1] = even + odd;
        t[2] = even - odd;
        t[3] = close + twice;
        t[4] = close - twice;
        t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
    }
    static inline void back(const Vec (&m)[6], Vec (&y)[4]) {
        const Vec near = m[1] + m[2], across = m[1] - m[2], far = m[3] + m[4], over = m[3] - m[4];
        y[0] = m[0] + near + far;
        y[1] = across + 2.0f * over;
        y[2] = near + 4.0f * far;
        y[3] = across + 8.0f * over + m[5];
    }
};

struct Tile {
    i64 image, y, x;  // of its first result
};

template <int M> static inline Tile tile_of(const Step& step, i64 index) {
    const i64 down = (step.out.height + M - 1) / M, across = (step.out.width + M - 1) / M;
    return {index / (down * across), index % (down * across) / across * M, index % across * M};
}

// values[(component * rows + row) * channels + channel]
template <int M> static void into_values(const Step& step, i64 first, i64 count, i64 rows, float* values) {
    constexpr int A = M + 2;
    const Map& in = step.in[0];
    const i64 plane = rows * in.channels;
    for (i64 i = 0; i < count; ++i) {
        const Tile tile = tile_of<M>(step, first + i);
        const float* pixel[A][A];
        for (int j = 0; j < A; ++j)
            for (int k = 0; k < A; ++k) {
                const i64 y = tile.y + j - 1, x = tile.x + k - 1;
                const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
                pixel[j][k] = inside ? at(in, tile.image, y, x) : zeros;
            }
        for (i64 c = 0; c < in.channels; c += LANES) {
            Vec half[A][A];
#pragma GCC unroll 6
            for (int k = 0; k < A; ++k) {
                Vec d[A], t[A];
#pragma GCC unroll 6
                for (int j = 0; j < A; ++j) d[j] = load(pixel[j][k] + c);
                Filter<M>::forward(d, t);
#pragma GCC unroll 6
                for (int j = 0; j < A; ++j) half[j][k] = t[j];
            }
            float* to = values + i * in.channels + c;
#pragma GCC unroll 6
            for (int j = 0; j < A; ++j) {
                Vec t[A];
                Filter<M>::forward(half[j], t);
#pragma GCC unroll 6
                for (int k = 0; k < A; ++k) store(to + (j * A + k) * plane, t[k]);
            }
        }
    }
}

// products[(component * rows + row) * V * LANES + column]
template <int M, int V>
static void into_products(
    i64 channels, i64 depth, i64 rows, const float* values, const float* weight, float* products) {
    constexpr int A = M + 2;
    for (int component = 0; component < A * A; ++component) {
        const float* b = weight + component * depth * V * LANES;
        for (i64 first = 0; first < rows; first += ROWS) {
            const float* a[ROWS];
            for (int r = 0; r < ROWS; ++r) a[r] = values + (component * rows + first + r) * channels;
            Vec sums[ROWS][V] = {};
            multiply<V>(a, b, depth, sums);
            float* to = products + (component * rows + first) * V * LANES;
            for (int r = 0; r < ROWS; ++r)
                for (int v = 0; v < V; ++v) store(to + (r * V + v) * LANES, sums[r][v]);
        }
    }
}

template <int M, int V>
static void into_results(
    const Step& step, const Panel& panel, i64 first, i64 count, i64 rows, const float* products) {
    constexpr int A = M + 2;
    const Map& out = step.out;
    const i64 plane = rows * V * LANES;
    for (i64 i = 0; i < count; ++i) {
        const Tile tile = tile_of<M>(step, first + i);
        const i64 high = least(M, out.height - tile.y), wide = least(M, out.width - tile.x);
        float* to = at(out, tile.image, tile.y, tile.x) + panel.channel;
        const float* more = step.inputs > 1 ? at(step.in[1], tile.image, tile.y, tile.x) + panel.channel : nullptr;
        for (int v = 0; v < V; ++v) {
            const float* from = products + (i * V + v) * LANES;
            const Vec bias = load(step.bias + panel.channel + v * LANES);
            Vec half[M][A];
#pragma GCC unroll 6
            for (int k = 0; k < A; ++k) {
                Vec m[A], y[M];
#pragma GCC unroll 6
                for (int j = 0; j < A; ++j) m[j] = load(from + (j * A + k) * plane);
                Filter<M>::back(m, y);
#pragma GCC unroll 4
                for (int j = 0; j < M; ++j) half[j][k] = y[j];
            }
#pragma GCC unroll 4
            for (int j = 0; j < M; ++j) {
                if (j >= high) break;
                Vec y[M];
                Filter<M>::back(half[j], y);
#pragma GCC unroll 4
                for (int k = 0; k < M; ++k) {
                    if (k >= wide) break;
                    Vec result = y[k] + bias;
                    if (more) result += load(more + j * step.in[1].row + k * step.in[1].pixel + v * LANES);
                    store(to + j * out.row + k * out.pixel + v * LANES, step.relu ? positive(result) : result);
                }
            }
        }
    }
}

template <int M> static void winograd(const Step& step, i64 chunk, float* scratch) {
    constexpr int A = M + 2;
    const i64 down = (step.out.height + M - 1) / M, across = (step.out.width + M - 1) / M;
    const i64 groups = (step.panels + step.panels_a_chunk - 1) / step.panels_a_chunk;
    const i64 first = chunk / groups * step.block, group = chunk % groups * step.panels_a_chunk;
    const i64 count = least(step.block, step.images * down * across - first);
    const i64 rows = (count + ROWS - 1) / ROWS * ROWS, channels = step.in[0].channels;
    float *values = scratch, *products = scratch + A * A * rows * channels;
    into_values<M>(step, first, count, rows, values);
    for (i64 p = group; p < least(group + step.panels_a_chunk, step.panels); ++p) {
        const Panel& panel = step.panel[p];
        const float* weight = step.weight + panel.weight;
        if (panel.vectors == 2) {
            into_products<M, 2>(channels, step.depth, rows, values, weight, products);
            into_results<M, 2>(step, panel, first, count, rows, products);
        } else {
            into_products<M, 1>(channels, step.depth, rows, values, weight, products);
            into_results<M, 1>(step, panel, first, count, rows, products);
        }
    }
}

// ---- the rest: rows of the result, one after another ----

static inline i64 nearest(i64 place, i64 from, i64 to) {
    if (from == to) return place;
    return least((i64)std::floor((float)place * ((float)from / (float)to)), from - 1);  // as PyTorch rounds
}

template <bool MULTIPLIED> static void joined(const Step& step, i64 image, i64 y) {
    const Map& out = step.out;
    const float* row[MOST_INPUTS];
    for (i64 i = 0; i < step.inputs; ++i) row[i] = at(step.in[i], image, nearest(y, step.in[i].height, out.height), 0);
    for (i64 x = 0; x < out.width; ++x) {
        const float* from[MOST_INPUTS];
        for (i64 i = 0; i < step.inputs; ++i)
            from[i] = row[i] + nearest(x, step.in[i].width, out.width) * step.in[i].pixel;
        float* to = at(out, image, y, x);
        for (i64 c = 0; c < out.channels; c += LANES) {
            Vec value = load(from[0] + c);
            for (i64 i = 1; i < step.inputs; ++i) {
                const Vec other = load(from[i] + c);
                value = MULTIPLIED ? value * other : value + other;
            }
            store(to + c, step.relu ? positive(value) : value);
        }
    }
}

static void copy(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    for (i64 x = 0; x < out.width; ++x)
        for (i64 c = 0; c < out.channels; ++c)
            at(out, image, y, x)[c * out.channel] = at(in, image, y, x)[c * in.channel];
}

static void affine(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    for (i64 x = 0; x < out.width; ++x)
        for (i64 c = 0; c < out.channels; c += LANES) {
            const Vec value = load(at(in, image, y, x) + c) * load(step.weight + c) + load(step.bias + c);
            store(at(out, image, y, x) + c, step.relu ? positive(value) : value);
        }
}

static void maximum(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    const i64 top = y * step.stride - step.padding;
    for (i64 x = 0; x < out.width; ++x) {
        const i64 left = x * step.stride - step.padding;
        for (i64 c = 0; c < out.channels; c += LANES) {
            Vec most = Vec{} - INFINITY;
            for (i64 j = top < 0 ? 0 : top; j < least(top + step.window, in.height); ++j)
                for (i64 k = left < 0 ? 0 : left; k < least(left + step.window, in.width); ++k) {
                    const Vec value = load(at(in, image, j, k) + c);
                    most = ((value > most) | (value != value)) ? value : most;  // NaN stays
                }
            store(at(out, image, y, x) + c, step.relu ? positive(most) : most);
        }
    }
}

static void average(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    const i64 top = y * step.stride, bottom = least(top + step.window, in.height);
    for (i64 x = 0; x < out.width; ++x) {
        const i64 left = x * step.stride, right = least(left + step.window, in.width);
        const float share = 1.0f / (float)((bottom - top) * (right - left));
        for (i64 c = 0; c < out.channels; c += LANES) {
            Vec total{};
            for (i64 j = top; j < bottom; ++j)
                for (i64 k = left; k < right; ++k) total += load(at(in, image, j, k) + c);
            store(at(out, image, y, x) + c, total * share);
        }
    }
}

static void sigmoid(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    for (i64 x = 0; x < out.width; ++x)
        for (i64 c = 0; c < out.channels; ++c)
            at(out, image, y, x)[c] = 1.0f / (1.0f + std::exp(-at(in, image, y, x)[c]));
}

struct Between {  // a place between two pixels
    i64 low, high;
    float share;  // of the higher one
};

static inline Between between(i64 place, i64 from, i64 to, bool align) {  // as PyTorch has it
    float source;
    if (align)
        source = to > 1 ? (float)place * ((float)(from - 1) / (float)(to - 1)) : 0.0f;
    else {
        source = ((float)place + 0.5f) * ((float)from / (float)to) - 0.5f;
        if (source < 0.0f) source = 0.0f;
    }
    const i64 low = least((i64)source, from - 1);
    return {low, least(low + 1, from - 1), source - (float)low};
}

static void bilinear(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    const Between rows = between(y, in.height, out.height, step.align);
    for (i64 x = 0; x < out.width; ++x) {
        const Between columns = between(x, in.width, out.width, step.align);
        const float *a = at(in, image, rows.low, columns.low), *b = at(in, image, rows.low, columns.high);
        const float *c = at(in, image, rows.high, columns.low), *d = at(in, image, rows.high, columns.high);
        float* to = at(out, image, y, x);
        for (i64 i = 0; i < out.channels; i += LANES) {
            const Vec above = load(a + i) * (1.0f - columns.share) + load(b + i) * columns.share;
            const Vec below = load(c + i) * (1.0f - columns.share) + load(d + i) * columns.share;
            const Vec value = above * (1.0f - rows.share) + below * rows.share;
            store(to + i, step.relu ? positive(value) : value);
        }
    }
}

static inline Vec row_total(const Map& map, i64 image, i64 y, i64 c) {
    Vec total{};
    for (i64 x = 0; x < map.width; ++x) total += load(at(map, image, y, x) + c);
    return total;
}

static void mean(const Step& step, i64 image, i64 y) {
    const Map &in = step.in[0], &out = step.out;
    const float share = 1.0f / (float)(in.height * in.width);
    for (i64 c = 0; c < out.channels; c += LANES) {
        Vec total{};
        for (i64 j = 0; j < in.height; ++j)
            total += row_total(in, image, j, c);  // sums of sums lose less
        store(at(out, image, y, 0) + c, total * share);
    }
}

static void each_row(const Step& step, i64 chunk, void (*make)(const Step&, i64, i64)) {
    const i64 rows = step.images * step.out.height;
    for (i64 i = chunk * step.block; i < least((chunk + 1) * step.block, rows); ++i)
        make(step, i / step.out.height, i % step.out.height);
}

static void run_chunk(const Step& step, i64 chunk, float* scratch) {
    switch (step.kind) {
        case CONV: return conv(step, chunk);
        case WINOGRAD_2: return winograd<2>(step, chunk, scratch);
        case WINOGRAD_4: return winograd<4>(step, chunk, scratch);
        case SUM: return each_row(step, chunk, joined<false>);
        case PRODUCT: return each_row(step, chunk, joined<true>);
        case COPY: return each_row(step, chunk, copy);
        case AFFINE: return each_row(step, chunk, affine);
        case MAXIMUM: return each_row(step, chunk, maximum);
        case AVERAGE: return each_row(step, chunk, average);
        case SIGMOID: return each_row(step, chunk, sigmoid);
        case BILINEAR: return each_row(step, chunk, bilinear);
        case MEAN: return each_row(step, chunk, mean);
    }
}

extern "C" {

void describe(i64* lanes_rows) {
    lanes_rows[0] = LANES;
    lanes_rows[1] = ROWS;
}

// Steps in the order of their waves. `taken`: one number a wave. `scratch`: `reach` floats a thread.
void run(const Step* steps, i64 count, std::atomic<i64>* taken, i64 waves, float* scratch, i64 reach, int threads) {
    for (i64 w = 0; w < waves; ++w) taken[w] = 0;
#pragma omp parallel num_threads(threads)
    {
        float* own = scratch + omp_get_thread_num() * reach;
        for (i64 first = 0; first < count;) {
            const i64 wave = steps[first].wave;
            i64 step = first, before = 0;  // chunks of the steps before
            for (;;) {
                const i64 chunk = taken[wave].fetch_add(1, std::memory_order_relaxed);
                while (step < count && steps[step].wave == wave && chunk >= before + steps[step].chunks)
                    before += steps[step++].chunks;
                if (step == count || steps[step].wave != wave) break;
                run_chunk(steps[step], chunk - before, own);
            }
            while (first < count && steps[first].wave == wave) ++first;
#pragma omp barrier
        }
    }
}
}
