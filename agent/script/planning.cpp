// SPDX-License-Identifier: Apache-2.0
// Owns how planners object: every objection names its place in the script.
#include "agent/script/planning.h"

namespace hagent::script {

unsigned Planning::column_of(std::size_t index) const {
    return index < command.arguments.size() ? command.arguments[index].column : command.column;
}

void Planning::add(unsigned column, const Error& error, errors::Severity severity) {
    if (settled()) {
        return;
    }
    std::string message = command.op + ": " + error.context;
    Complaint complaint{context.script.file, command.line, column, std::move(message), command.source_line};
    context.plan.results.push_back({error.id, severity, 1, headline(complaint), {}});
    context.plan.complaints.push_back(std::move(complaint));
}

void Planning::refuse(std::size_t index, const Error& error) { add(column_of(index), error, errors::Severity::error); }

void Planning::refuse_command(const Error& error) { add(command.column, error, errors::Severity::error); }

void Planning::fail(std::size_t index, const Error& error) {
    if (!command.optional) {
        return refuse(index, error);
    }
    add(column_of(index), error, errors::Severity::warning);
    if (!settled()) {
        step.finding = context.plan.results.back();
    }
}

void Planning::doubt(std::size_t index, const Error& error) { add(column_of(index), error, errors::Severity::warning); }

std::string Planning::real_path(std::size_t index, PathUse use) {
    auto path = device_path(argument(index), use, context.jail, context.files);
    if (!path) {
        refuse(index, path.error());
        return {};
    }
    return std::move(path).value();
}

}  // namespace hagent::script
