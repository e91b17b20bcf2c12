/* base/choice.h - an enum and the words that a configuration has for it, from one list: neither can
 * lose or move a member that the other keeps.
 *   #define ORDERS(X) X(ORDER_FCFS, "fcfs") X(ORDER_PRIORITY, "priority")
 *   enum order { ORDERS(CHOICE_MEMBER) };
 *   static const char *const order_choices[] = { ORDERS(CHOICE_WORD) NULL }; */
#ifndef REPRISE_BASE_CHOICE_H
#define REPRISE_BASE_CHOICE_H

#define CHOICE_MEMBER(member, word) member,
#define CHOICE_WORD(member, word) word,

#endif
