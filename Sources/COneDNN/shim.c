// oneDNN's objects behind one face. What differs between 2.x and 3.x is told apart by DNNL_VERSION_MAJOR, here and nowhere else.

#include "COneDNN.h"
#include "parallel.h"
#include "winograd.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t memory_description;
#else
typedef const dnnl_memory_desc_t *memory_description;
#endif

struct conednn_layout {
    dnnl_memory_desc_t description;
    // Whether weights are at Winograd's points, of which oneDNN knows nothing; there is no description then.
    bool is_winograd;
    winograd_shape winograd;
};

typedef enum {
    ONEDNN,
    // Ours.
    WINOGRAD_PACK,
    WINOGRAD_FORWARD,
    WINOGRAD_GRADIENT,
    ADDITION,
} kind;

struct conednn_primitive {
    kind kind;
    winograd_shape winograd;
    float negative_slope;
    void *bound[CONEDNN_ARGUMENT_COUNT];
    size_t scratch_bytes;
    // Of an addition.
    int64_t count;
    // The rest is oneDNN's.
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    // Bound memory by conednn_argument; null where the primitive has no such argument.
    dnnl_memory_t memory[CONEDNN_ARGUMENT_COUNT];
    dnnl_exec_arg_t arguments[CONEDNN_ARGUMENT_COUNT];
    int argument_count;
    // oneDNN's number of each conednn_argument in this pass.
    int number[CONEDNN_ARGUMENT_COUNT];
};

// MARK: - Engine

conednn_engine *conednn_engine_create(int threads) {
    conednn_engine *engine = calloc(1, sizeof *engine);
    if (!engine) return NULL;
    engine->threads = threads;
    dnnl_engine_t handle;
    if (dnnl_engine_create(&handle, dnnl_cpu, 0) != dnnl_success) {
        free(engine);
        return NULL;
    }
    engine->handle = handle;
    dnnl_stream_t stream;
    if (dnnl_stream_create(&stream, handle, dnnl_stream_in_order) != dnnl_success) {
        dnnl_engine_destroy(handle);
        free(engine);
        return NULL;
    }
    engine->stream = stream;
    return engine;
}

void conednn_engine_destroy(conednn_engine *engine) {
    dnnl_stream_destroy(engine->stream);
    dnnl_engine_destroy(engine->handle);
    free(engine);
}

void conednn_engine_enter(const conednn_engine *engine) {
    parallel_set_threads(engine->threads);
}

int conednn_channel_block(void) {
#if defined(__x86_64__)
    // Instruction sets are bit masks: one that includes AVX-512 has all the bits of it.
    int isa = (int)dnnl_get_effective_cpu_isa();
    if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core) return 16;
    if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2) return 8;
#endif
    return 0;
}

const char *conednn_status_text(int status) {
    switch ((dnnl_status_t)status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "not implemented for these shapes";
    case dnnl_runtime_error: return "error at run time";
    default: return "an unnamed error";
    }
}

void conednn_version(int *major, int *minor, int *patch) {
    const dnnl_version_t *version = dnnl_version();
    *major = version->major;
    *minor = version->minor;
    *patch = version->patch;
}

// MARK: - Layouts

static dnnl_format_tag_t tag_of(conednn_order order, int rank) {
    static const dnnl_format_tag_t row_major[] = {dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    switch (order) {
    case CONEDNN_ANY: return dnnl_format_tag_any;
    case CONEDNN_ROW_MAJOR: return row_major[rank - 1];
    case CONEDNN_CHANNELS_LAST: return dnnl_acdb;
    case CONEDNN_BLOCKED_8: return dnnl_aBcd8b;
    case CONEDNN_BLOCKED_16: return dnnl_aBcd16b;
    }
    return dnnl_format_tag_undef;
}

conednn_layout *conednn_layout_create(const int64_t *extents, int rank, conednn_order order) {
    if (rank < 1 || rank > 5) return NULL;
    conednn_layout *layout = calloc(1, sizeof *layout);
    if (!layout) return NULL;
    dnnl_dims_t dims = {0};
    memcpy(dims, extents, (size_t)rank * sizeof *extents);
#if DNNL_VERSION_MAJOR >= 3
    dnnl_status_t status =
        dnnl_memory_desc_create_with_tag(&layout->description, rank, dims, dnnl_f32, tag_of(order, rank));
#else
    dnnl_status_t status =
        dnnl_memory_desc_init_by_tag(&layout->description, rank, dims, dnnl_f32, tag_of(order, rank));
#endif
    if (status == dnnl_success) return layout;
    free(layout);
    return NULL;
}

static memory_description view(const conednn_layout *layout) {
#if DNNL_VERSION_MAJOR >= 3
    return layout ? layout->description : NULL;
#else
    return layout ? &layout->description : NULL;
#endif
}

static conednn_layout *copy(memory_description description) {
    conednn_layout *layout = calloc(1, sizeof *layout);
    if (!layout) return NULL;
#if DNNL_VERSION_MAJOR >= 3
    if (dnnl_memory_desc_clone(&layout->description, description) != dnnl_success) {
        free(layout);
        return NULL;
    }
#else
    layout->description = *description;
#endif
    return layout;
}

void conednn_layout_destroy(conednn_layout *layout) {
#if DNNL_VERSION_MAJOR >= 3
    if (!layout->is_winograd) dnnl_memory_desc_destroy(layout->description);
#endif
    free(layout);
}

size_t conednn_layout_bytes(const conednn_layout *layout) {
    if (layout->is_winograd) return winograd_packed_bytes(layout->winograd);
    return dnnl_memory_desc_get_size(view(layout));
}

bool conednn_layout_equal(const conednn_layout *left, const conednn_layout *right) {
    if (left->is_winograd || right->is_winograd) {
        const winograd_shape *one = &left->winograd, *other = &right->winograd;
        return left->is_winograd && right->is_winograd && one->inputs == other->inputs && one->outputs == other->outputs
            && one->turned == other->turned;
    }
    return dnnl_memory_desc_equal(view(left), view(right)) != 0;
}

// Whether the layout has four extents, and which.
static bool extents_of(const conednn_layout *layout, int64_t extents[static 4]) {
#if DNNL_VERSION_MAJOR >= 3
    int rank;
    dnnl_dims_t *dims;
    if (dnnl_memory_desc_query(layout->description, dnnl_query_ndims_s32, &rank) != dnnl_success || rank != 4) return false;
    if (dnnl_memory_desc_query(layout->description, dnnl_query_dims, &dims) != dnnl_success) return false;
    memcpy(extents, *dims, 4 * sizeof *extents);
#else
    if (layout->description.ndims != 4) return false;
    memcpy(extents, layout->description.dims, 4 * sizeof *extents);
#endif
    return true;
}

static bool is_in_blocks_of_16(const conednn_layout *layout, const int64_t extents[static 4]) {
    conednn_layout *blocks = conednn_layout_create(extents, 4, CONEDNN_BLOCKED_16);
    if (!blocks) return false;
    bool equal = conednn_layout_equal(layout, blocks);
    conednn_layout_destroy(blocks);
    return equal;
}

// MARK: - Ours

static int take(kind kind, winograd_shape shape, size_t scratch_bytes, conednn_primitive **result) {
    // Sums of gradients for each thread: of many threads and large weights they would outgrow the tensors.
    const size_t most = (size_t)512 << 20;
    if (scratch_bytes > most) return dnnl_unimplemented;
    conednn_primitive *primitive = calloc(1, sizeof *primitive);
    if (!primitive) return dnnl_out_of_memory;
    primitive->kind = kind;
    primitive->winograd = shape;
    primitive->scratch_bytes = scratch_bytes;
    *result = primitive;
    return dnnl_success;
}

static int winograd_create(
    const conednn_engine *engine, const conednn_convolution *convolution, conednn_primitive **primitive) {
    int64_t source[4], weights[4], destination[4];
    bool suits = conednn_channel_block() == 16 && convolution->stride == 1 && convolution->padding <= 2
        && extents_of(convolution->source, source) && extents_of(convolution->destination, destination)
        && extents_of(convolution->weights, weights) && weights[2] == 3 && weights[3] == 3
        && is_in_blocks_of_16(convolution->source, source) && is_in_blocks_of_16(convolution->destination, destination);
    if (!suits) return dnnl_unimplemented;
    winograd_shape shape = {
        .images = source[0], .inputs = source[1], .outputs = destination[1], .height = source[2], .width = source[3],
        .padding = convolution->padding};
    if (convolution->pass == CONEDNN_BACKWARD_WEIGHTS) {
        return take(WINOGRAD_GRADIENT, shape, winograd_gradient_scratch_bytes(engine, shape), primitive);
    }
    if (convolution->pass == CONEDNN_BACKWARD_DATA) {
        shape = (winograd_shape){
            .images = source[0], .inputs = destination[1], .outputs = source[1], .height = destination[2],
            .width = destination[3], .padding = 2 - convolution->padding, .turned = true};
    }
    int status = take(WINOGRAD_FORWARD, shape, winograd_forward_scratch_bytes(engine, shape), primitive);
    if (status == dnnl_success) (*primitive)->negative_slope = convolution->negative_slope;
    return status;
}

static void run_ours(const conednn_engine *engine, const conednn_primitive *primitive) {
    void *const *bound = primitive->bound;
    void *source = bound[CONEDNN_SOURCE], *destination = bound[CONEDNN_DESTINATION];
    switch (primitive->kind) {
    case ONEDNN: break;
    case WINOGRAD_PACK: winograd_pack(engine, primitive->winograd, source, destination); break;
    case WINOGRAD_FORWARD:
        if (primitive->winograd.turned) {
            source = bound[CONEDNN_DESTINATION];
            destination = bound[CONEDNN_SOURCE];
        }
        winograd_forward(
            engine, primitive->winograd, source, bound[CONEDNN_WEIGHTS], bound[CONEDNN_BIAS],
            primitive->negative_slope, bound[CONEDNN_SCRATCH], destination);
        break;
    case WINOGRAD_GRADIENT:
        winograd_gradient(
            engine, primitive->winograd, source, destination, bound[CONEDNN_SCRATCH], bound[CONEDNN_WEIGHTS]);
        break;
    case ADDITION: conednn_combine(engine, primitive->count, 1, destination, 1, source, destination); break;
    }
}

static conednn_layout *winograd_layout(const conednn_primitive *primitive, conednn_argument argument) {
    winograd_shape shape = primitive->winograd;
    if (argument != CONEDNN_WEIGHTS || primitive->kind == ADDITION) return NULL;
    if (primitive->kind == WINOGRAD_GRADIENT) {
        return conednn_layout_create((int64_t[]){shape.outputs, shape.inputs, 3, 3}, 4, CONEDNN_ROW_MAJOR);
    }
    conednn_layout *layout = calloc(1, sizeof *layout);
    if (layout) *layout = (conednn_layout){.is_winograd = true, .winograd = shape};
    return layout;
}

// MARK: - Primitives

static memory_description argument_description(const conednn_primitive *primitive, conednn_argument argument) {
    if (argument == CONEDNN_SCRATCH) return dnnl_primitive_desc_query_md(primitive->description, dnnl_query_scratchpad_md, 0);
    return dnnl_primitive_desc_query_md(
        primitive->description, dnnl_query_exec_arg_md, primitive->number[argument]);
}

// Takes over `description` and makes the primitive and its memory objects, still without memory.
static int finish(
    const conednn_engine *engine, dnnl_primitive_desc_t description, const int number[CONEDNN_ARGUMENT_COUNT],
    conednn_primitive **result) {
    conednn_primitive *primitive = calloc(1, sizeof *primitive);
    if (!primitive) {
        dnnl_primitive_desc_destroy(description);
        return dnnl_out_of_memory;
    }
    primitive->description = description;
    memcpy(primitive->number, number, sizeof primitive->number);
    dnnl_status_t status = dnnl_primitive_create(&primitive->primitive, description);
    for (int argument = 0; status == dnnl_success && argument < CONEDNN_ARGUMENT_COUNT; argument++) {
        if (number[argument] == 0 || conednn_primitive_bytes(primitive, argument) == 0) continue;
        status = dnnl_memory_create(
            &primitive->memory[argument], argument_description(primitive, argument), engine->handle, DNNL_MEMORY_NONE);
        if (status != dnnl_success) break;
        primitive->arguments[primitive->argument_count++] =
            (dnnl_exec_arg_t){.arg = number[argument], .memory = primitive->memory[argument]};
    }
    if (status != dnnl_success) {
        conednn_primitive_destroy(primitive);
        return status;
    }
    *result = primitive;
    return dnnl_success;
}

static const int *numbers_of(conednn_pass pass, bool has_bias) {
    static const int numbers[][CONEDNN_ARGUMENT_COUNT] = {
        {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, 0, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
    };
    static const int with_bias[CONEDNN_ARGUMENT_COUNT] = {
        DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    return has_bias ? with_bias : numbers[pass];
}

static dnnl_prop_kind_t forward_kind(conednn_pass pass) {
    return pass == CONEDNN_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;
}

static dnnl_status_t append_bend(dnnl_primitive_attr_t attributes, float negative_slope) {
    if (negative_slope == 1) return dnnl_success;
    dnnl_post_ops_t operations;
    dnnl_status_t status = dnnl_post_ops_create(&operations);
    if (status != dnnl_success) return status;
    status = dnnl_post_ops_append_eltwise(
        operations,
#if DNNL_VERSION_MAJOR < 3
        1,
#endif
        dnnl_eltwise_relu, negative_slope, 0);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, operations);
    dnnl_post_ops_destroy(operations);
    return status;
}

// Scratch memory is the caller's, so that all primitives share one piece and no run allocates it.
static dnnl_primitive_attr_t make_attributes(float negative_slope) {
    dnnl_primitive_attr_t attributes = NULL;
    if (dnnl_primitive_attr_create(&attributes) != dnnl_success) return NULL;
    if (dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) != dnnl_success
        || append_bend(attributes, negative_slope) != dnnl_success) {
        dnnl_primitive_attr_destroy(attributes);
        return NULL;
    }
    return attributes;
}

int conednn_convolution_create(
    const conednn_engine *engine, const conednn_convolution *convolution, conednn_primitive **primitive) {
    const dnnl_dims_t strides = {convolution->stride, convolution->stride};
    const dnnl_dims_t padding = {convolution->padding, convolution->padding};
    if (convolution->winograd) return winograd_create(engine, convolution, primitive);
    const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
    memory_description source = view(convolution->source), weights = view(convolution->weights);
    memory_description bias = view(convolution->bias), destination = view(convolution->destination);
    dnnl_primitive_attr_t attributes = make_attributes(convolution->negative_slope);
    if (!attributes) return dnnl_out_of_memory;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_invalid_arguments;
#if DNNL_VERSION_MAJOR >= 3
    // No dilation is a dilation of zero.
    const dnnl_dims_t dilation = {0, 0};
    switch (convolution->pass) {
    case CONEDNN_FORWARD:
    case CONEDNN_INFERENCE:
        status = dnnl_convolution_forward_primitive_desc_create(
            &description, engine->handle, forward_kind(convolution->pass), algorithm, source, weights, bias, destination, strides,
            dilation, padding, padding, attributes);
        break;
    case CONEDNN_BACKWARD_DATA:
        status = dnnl_convolution_backward_data_primitive_desc_create(
            &description, engine->handle, algorithm, source, weights, destination, strides, dilation, padding, padding,
            NULL, attributes);
        break;
    case CONEDNN_BACKWARD_WEIGHTS:
        status = dnnl_convolution_backward_weights_primitive_desc_create(
            &description, engine->handle, algorithm, source, weights, NULL, destination, strides, dilation, padding,
            padding, NULL, attributes);
        break;
    }
#else
    dnnl_convolution_desc_t operation;
    switch (convolution->pass) {
    case CONEDNN_FORWARD:
    case CONEDNN_INFERENCE:
        status = dnnl_convolution_forward_desc_init(
            &operation, forward_kind(convolution->pass), algorithm, source, weights, bias, destination, strides, padding, padding);
        break;
    case CONEDNN_BACKWARD_DATA:
        status = dnnl_convolution_backward_data_desc_init(
            &operation, algorithm, source, weights, destination, strides, padding, padding);
        break;
    case CONEDNN_BACKWARD_WEIGHTS:
        status = dnnl_convolution_backward_weights_desc_init(
            &operation, algorithm, source, weights, NULL, destination, strides, padding, padding);
        break;
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&description, &operation, attributes, engine->handle, NULL);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return status;
    return finish(engine, description, numbers_of(convolution->pass, bias != NULL), primitive);
}

int conednn_inner_product_create(
    const conednn_engine *engine, conednn_pass pass, const conednn_layout *source_layout,
    const conednn_layout *weights_layout, const conednn_layout *bias_layout, const conednn_layout *destination_layout,
    float negative_slope, conednn_primitive **primitive) {
    memory_description source = view(source_layout), weights = view(weights_layout);
    memory_description bias = view(bias_layout), destination = view(destination_layout);
    dnnl_primitive_attr_t attributes = make_attributes(negative_slope);
    if (!attributes) return dnnl_out_of_memory;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_invalid_arguments;
#if DNNL_VERSION_MAJOR >= 3
    switch (pass) {
    case CONEDNN_FORWARD:
    case CONEDNN_INFERENCE:
        status = dnnl_inner_product_forward_primitive_desc_create(
            &description, engine->handle, forward_kind(pass), source, weights, bias, destination, attributes);
        break;
    case CONEDNN_BACKWARD_DATA:
        status = dnnl_inner_product_backward_data_primitive_desc_create(
            &description, engine->handle, source, weights, destination, NULL, attributes);
        break;
    case CONEDNN_BACKWARD_WEIGHTS:
        status = dnnl_inner_product_backward_weights_primitive_desc_create(
            &description, engine->handle, source, weights, NULL, destination, NULL, attributes);
        break;
    }
#else
    dnnl_inner_product_desc_t operation;
    switch (pass) {
    case CONEDNN_FORWARD:
    case CONEDNN_INFERENCE:
        status = dnnl_inner_product_forward_desc_init(
            &operation, forward_kind(pass), source, weights, bias, destination);
        break;
    case CONEDNN_BACKWARD_DATA:
        status = dnnl_inner_product_backward_data_desc_init(&operation, source, weights, destination);
        break;
    case CONEDNN_BACKWARD_WEIGHTS:
        status = dnnl_inner_product_backward_weights_desc_init(&operation, source, weights, NULL, destination);
        break;
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&description, &operation, attributes, engine->handle, NULL);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return status;
    return finish(engine, description, numbers_of(pass, bias != NULL), primitive);
}

int conednn_reorder_create(
    const conednn_engine *engine, const conednn_layout *source, const conednn_layout *destination, bool accumulate,
    conednn_primitive **primitive) {
    if (destination->is_winograd) return take(WINOGRAD_PACK, destination->winograd, 0, primitive);
    if (accumulate && conednn_layout_equal(source, destination)) {
        // oneDNN has nothing but its plain loops for it.
        int status = take(ADDITION, (winograd_shape){0}, 0, primitive);
        if (status == dnnl_success) (*primitive)->count = (int64_t)(conednn_layout_bytes(source) / sizeof(float));
        return status;
    }
    static const int numbers[CONEDNN_ARGUMENT_COUNT] = {DNNL_ARG_FROM, 0, 0, DNNL_ARG_TO, DNNL_ARG_SCRATCHPAD};
    dnnl_primitive_attr_t attributes = make_attributes(1);
    if (!attributes) return dnnl_out_of_memory;
    dnnl_status_t status = dnnl_success;
    if (accumulate) {
        dnnl_post_ops_t operations;
        status = dnnl_post_ops_create(&operations);
        if (status == dnnl_success) {
            status = dnnl_post_ops_append_sum(
                operations, 1
#if DNNL_VERSION_MAJOR >= 3
                , 0, dnnl_data_type_undef
#endif
            );
            if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, operations);
            dnnl_post_ops_destroy(operations);
        }
    }
    dnnl_primitive_desc_t description = NULL;
    if (status == dnnl_success) {
        status = dnnl_reorder_primitive_desc_create(
            &description, view(source), engine->handle, view(destination), engine->handle, attributes);
    }
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return status;
    return finish(engine, description, numbers, primitive);
}

void conednn_primitive_destroy(conednn_primitive *primitive) {
    for (int argument = 0; argument < CONEDNN_ARGUMENT_COUNT; argument++) {
        if (primitive->memory[argument]) dnnl_memory_destroy(primitive->memory[argument]);
    }
    if (primitive->primitive) dnnl_primitive_destroy(primitive->primitive);
    if (primitive->description) dnnl_primitive_desc_destroy(primitive->description);
    free(primitive);
}

conednn_layout *conednn_primitive_layout(const conednn_primitive *primitive, conednn_argument argument) {
    if (primitive->kind != ONEDNN) return winograd_layout(primitive, argument);
    return copy(argument_description(primitive, argument));
}

size_t conednn_primitive_bytes(const conednn_primitive *primitive, conednn_argument argument) {
    if (primitive->kind != ONEDNN) return argument == CONEDNN_SCRATCH ? primitive->scratch_bytes : 0;
    memory_description description = argument_description(primitive, argument);
    return description ? dnnl_memory_desc_get_size(description) : 0;
}

const char *conednn_primitive_implementation(const conednn_primitive *primitive) {
    if (primitive->kind == ADDITION) return "addition";
    if (primitive->kind != ONEDNN) return "winograd_4x3:avx512_core";
    const char *name = "unknown";
    dnnl_primitive_desc_query(primitive->description, dnnl_query_impl_info_str, 0, (void *)&name);
    return name;
}

void conednn_primitive_bind(conednn_primitive *primitive, conednn_argument argument, void *memory) {
    primitive->bound[argument] = memory;
    if (primitive->memory[argument]) dnnl_memory_set_data_handle(primitive->memory[argument], memory);
}

int conednn_primitive_run(const conednn_engine *engine, const conednn_primitive *primitive) {
    if (primitive->kind != ONEDNN) {
        run_ours(engine, primitive);
        return dnnl_success;
    }
    dnnl_status_t status = dnnl_primitive_execute(
        primitive->primitive, engine->stream, primitive->argument_count, primitive->arguments);
    // A processor's queue has run by now; waiting makes it so whatever the build of oneDNN.
    return status == dnnl_success ? dnnl_stream_wait(engine->stream) : status;
}
