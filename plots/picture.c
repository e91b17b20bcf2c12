/* plots/picture.c - see picture.h. */
#include "plots/picture.h"

#include "base/whole_file.h"
#include "plots/workshop.h"

#include <string.h>

/* "png" or "svg", as the name ends; NULL: neither. */
static const char *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL && (strcmp(dot, ".png") == 0 || strcmp(dot, ".svg") == 0))
        return dot + 1;
    return NULL;
}

enum status picture_draw(const char *what, const char *path, const char *page,
                         void (*put)(FILE *out, const void *data), const void *data,
                         struct error *err)
{
    struct workshop workshop;
    const char *format = format_of(path);
    if (format == NULL)
        return error_input(err, NULL, 0, what, "a name that ends in .png or .svg", path);
    if (workshop_check_name(what, path, err) || whole_file_check(path, err) ||
        workshop_open(&workshop, err))
        return err->status;
    put(workshop.out, data);
    workshop_add(&workshop, "picture", format, NULL, page);
    enum status status = workshop_draw(&workshop, err);
    if (status == STATUS_OK)
        status = workshop_give(&workshop, "picture", format, path, err);
    workshop_close(&workshop);
    return status;
}
