/*
 * file.c
 *		The installed files of the books' SQL.
 */
#include "finance.h"

#include <dirent.h>
#include <sys/stat.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "books.h"

#define SCRIPT_BYTES_MAX (16 * 1024 * 1024) /* no script of ours comes near */

/* Where PostgreSQL keeps the files of its extensions. */
static char *
books_directory(void)
{
	char		share[MAXPGPATH];

	get_share_path(my_exec_path, share);
	return psprintf("%s/extension", share);
}

/*
 * Read one installed script of the books whole.  Raises the file's own error
 * where it cannot be read, 54000 for one that is too long to be ours.
 */
char *
finance_books_read_script(const char *file_name)
{
	char	   *path = psprintf("%s/%s", books_directory(), file_name);
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	struct stat st;
	char	   *script;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the books' script \"%s\": %m", path),
				 errhint("Install the extension's files again.")));
	if (st.st_size > SCRIPT_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the books' script \"%s\" is longer than %d bytes",
						path, SCRIPT_BYTES_MAX)));

	script = palloc(st.st_size + 1);
	if (fread(script, 1, st.st_size, file) != (size_t) st.st_size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the books' script \"%s\": %m", path)));
	FreeFile(file);
	script[st.st_size] = '\0';
	return script;
}

/*
 * Find the installed step that leads on from a version; NULL when there is
 * none.  Steps form a line: two that lead on are refused (0A000), since the
 * order in which a directory is read decides nothing.
 */
char *
finance_books_next_step(const char *version, char **next_version)
{
	char	   *prefix = psprintf("%s%s--", BOOKS_FILE_PREFIX, version);
	size_t		prefix_length = strlen(prefix);
	DIR		   *directory = AllocateDir(books_directory());
	struct dirent *file;
	char	   *step = NULL;

	while ((file = ReadDir(directory, books_directory())) != NULL)
	{
		size_t		length = strlen(file->d_name);

		if (strncmp(file->d_name, prefix, prefix_length) != 0 ||
			length <= prefix_length + 4 ||
			strcmp(file->d_name + length - 4, ".sql") != 0 ||
			strstr(file->d_name + prefix_length, "--") != NULL)
			continue;
		if (step != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("two steps lead on from version %s of the books", version),
					 errdetail("Installed are \"%s\" and \"%s\".",
							   strcmp(step, file->d_name) < 0 ? step : file->d_name,
							   strcmp(step, file->d_name) < 0 ? file->d_name : step),
					 errhint("Remove the one that does not belong to the installed version of the extension.")));
		step = pstrdup(file->d_name);
		*next_version = pnstrdup(step + prefix_length, length - prefix_length - 4);
	}
	FreeDir(directory);
	return step;
}
