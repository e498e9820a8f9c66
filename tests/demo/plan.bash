# shellcheck shell=bash
# Which branches a demo has: the largest groups of the Open Repair Data files, the boroughs of NYC 311, the phones of MobiFix.

# unpack FROM TO: CSV files of the known forms under FROM, into the folder TO. Sets ords_files, mobifix_file, nyc311_file
unpack()
{
	local file name
	ords_files=() mobifix_file='' nyc311_file=''
	while IFS= read -r -d '' file; do
		name=${file##*/} name=${name%.gz} name=$2/${name//[!A-Za-z0-9._-]/_}
		[ ! -e "$name" ] || continue
		case $(map_of "$file") in
		ords) ords_files+=("$name") ;;
		mobifix) [ -z "$mobifix_file" ] && mobifix_file=$name || continue ;;
		nyc311) [ -z "$nyc311_file" ] && nyc311_file=$name || continue ;;
		*) continue ;;
		esac
		gzip -cdf <"$file" >"$name"
	done < <(find "$1/" \( -name '*.csv' -o -name '*.csv.gz' \) -type f -print0 2>/dev/null | LC_ALL=C sort -z)
}

# OpenRepairData_v0.3_RepairCafeWales_202507.csv → Wales: what the line of a file's branches is called
region_of() { basename "$1" .csv | sed -E 's/^OpenRepairData_v[0-9.]*_//; s/_[0-9]*$//; s/^RepairCafe(.)/\1/' | head -c 14; }

# make_plan GROUPS: `branch region zone map file value name` for each branch, with tabs; branches of a line are spread evenly
make_plan()
{
	local file
	{
		echo 'CREATE TABLE found(region, map, file, value, n, country);'
		for file in "${ords_files[@]}"; do
			load_csv ords "$file"
			cat <<-EOF
			INSERT INTO found SELECT $(quoted "$(region_of "$file")"), 'ords', $(quoted "$file"), group_identifier, count(*), max(country) FROM src
			 WHERE group_identifier <> '' AND instr(group_identifier, char(9)) + instr(group_identifier, char(10)) = 0 GROUP BY group_identifier;
			DROP TABLE src;
			EOF
		done
		cat <<-EOF
		DELETE FROM found WHERE rowid NOT IN (SELECT rowid FROM found ORDER BY n DESC, file, value LIMIT $1);
		INSERT INTO found VALUES ('phones', 'mobifix', $(quoted "$mobifix_file"), '', 1, 'GBR');
		INSERT INTO found SELECT 'NewYork', 'nyc311', $(quoted "$nyc311_file"), column1, 1, 'USA' FROM
		 (VALUES ('BRONX'), ('BROOKLYN'), ('MANHATTAN'), ('QUEENS'), ('STATEN ISLAND'));
		.mode list
		.separator "\t"
		SELECT CASE map WHEN 'mobifix' THEN 'PHONES' WHEN 'nyc311' THEN substr(replace(value, ' ', ''), 1, 8)
		  ELSE CASE WHEN country GLOB '[A-Z][A-Z][A-Z]' THEN country ELSE 'ORD' END || printf('%02d', row_number() OVER (PARTITION BY map, country ORDER BY n DESC, file, value)) END,
		 region,
		 CASE country WHEN 'USA' THEN 'America/New_York' WHEN 'CAN' THEN 'America/Toronto' WHEN 'DEU' THEN 'Europe/Berlin' WHEN 'DNK' THEN 'Europe/Copenhagen'
		  WHEN 'NOR' THEN 'Europe/Oslo' WHEN 'ARG' THEN 'America/Argentina/Buenos_Aires' WHEN 'ITA' THEN 'Europe/Rome' WHEN 'BEL' THEN 'Europe/Brussels' ELSE 'Europe/London' END,
		 map, file, value,
		 CASE value WHEN '' THEN 'MobiFix' ELSE CASE WHEN length(CAST(value AS BLOB)) <= 60 THEN value ELSE substr(value, 1, 15) END END
		 FROM found ORDER BY (row_number() OVER (PARTITION BY region ORDER BY n DESC, value) - 0.3) / count(*) OVER (PARTITION BY region), region;
		EOF
	} | sqlite3 -batch -bail ':memory:'
}
